from django.urls import path

from blobs import views

urlpatterns = [path("blobs/<str:digest>", views.blob, name="blob")]
