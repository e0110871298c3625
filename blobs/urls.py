from django.urls import path

from blobs import views

urlpatterns = [
    path("blobs/<str:digest>", views.blob, name="blob"),
    path("blobs/<str:digest>/small", views.small, name="blob_small"),
]
