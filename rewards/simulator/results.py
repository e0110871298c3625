"""How a transaction ended, in the chain's own encoding, as Horizon passes it on."""

from stellar_sdk import xdr

from rewards.simulator.records import ChainTransaction

PAYMENT = xdr.PaymentResultCode
CODES = {
    "op_success": PAYMENT.PAYMENT_SUCCESS,
    "op_malformed": PAYMENT.PAYMENT_MALFORMED,
    "op_underfunded": PAYMENT.PAYMENT_UNDERFUNDED,
    "op_no_destination": PAYMENT.PAYMENT_NO_DESTINATION,
    "op_line_full": PAYMENT.PAYMENT_LINE_FULL,
}


def result_xdr(row: ChainTransaction) -> str | None:
    """Return the result of a transaction of payments; None for other operations."""
    codes = row.codes or ["op_success"] * len(row.operations)
    kinds = {operation.kind for operation in row.operations}
    if kinds - {"payment"} or set(codes) - set(CODES):
        return None
    results = [
        xdr.OperationResult(
            xdr.OperationResultCode.opINNER,
            xdr.OperationResultTr(
                xdr.OperationType.PAYMENT,
                payment_result=xdr.PaymentResult(CODES[code]),
            ),
        )
        for code in codes
    ]
    code = "txSUCCESS" if row.successful else "txFAILED"
    result = xdr.TransactionResult(
        fee_charged=xdr.Int64(row.fee_charged),
        result=xdr.TransactionResultResult(
            xdr.TransactionResultCode[code], results=results
        ),
        ext=xdr.TransactionResultExt(0),
    )
    return result.to_xdr()
