"""Lets an httpx client talk to a simulation in the same process."""

import httpx

from rewards.simulator.faults import Dropped
from rewards.simulator.world import Simulator


class InProcess(httpx.BaseTransport):
    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        try:
            status, headers, body = self.simulator.exchange(
                request.method,
                request.url.raw_path.decode("ascii"),
                request.headers,
                request.read(),
            )
        except Dropped as dropped:
            if dropped.arrived:
                raise httpx.ReadTimeout("no answer", request=request) from None
            raise httpx.ConnectError("no connection", request=request) from None
        return httpx.Response(status, headers=dict(headers), content=body)
