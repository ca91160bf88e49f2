"""The field group about buying: what somebody did with a shop, with which products, in which order."""

from __future__ import annotations

from exporter.source.xdm.groups.field_group import FieldGroup, under
from exporter.source.xdm.schema import Behaviour

_MEASURE = {"id": "string", "value": "number"}
_STEPS = (
    *("productViews", "productListViews", "productListOpens", "productListReopens", "productListAdds"),
    *("productListRemovals", "saveForLaters", "checkouts", "purchases", "inStorePurchase", "cartAbandons"),
)
_PRODUCT = {
    "_id": "string",
    "SKU": "string",
    "name": "string",
    "product": "string",
    "productAddMethod": "string",
    "quantity": "integer",
    "priceTotal": "number",
    "discountAmount": "number",
    "currencyCode": "string",
    "unitOfMeasureCode": "string",
}

COMMERCE = FieldGroup(
    "commerce",
    "https://ns.adobe.com/xdm/context/experienceevent-commerce",
    "Commerce details",
    "What was looked at, put into the cart and bought.",
    {f"commerce.{step}.{name}": kind for step in _STEPS for name, kind in _MEASURE.items()}
    | under(
        "commerce.order",
        {
            "purchaseID": "string",
            "purchaseOrderNumber": "string",
            "currencyCode": "string",
            "priceTotal": "number",
            "taxAmount": "number",
            "discountAmount": "number",
            "createdDate": "date-time",
            "lastUpdatedDate": "date-time",
            "payments[].transactionID": "string",
            "payments[].paymentAmount": "number",
            "payments[].paymentType": "string",
            "payments[].currencyCode": "string",
        },
    )
    | under("commerce.cart", {"cartID": "string", "cartSource": "string"})
    | under(
        "commerce.shipping",
        {
            "shippingMethod": "string",
            "shippingAmount": "number",
            "currencyCode": "string",
            "trackingNumber": "string",
            "shipDate": "date",
        },
    )
    | {f"productListItems[].{name}": kind for name, kind in _PRODUCT.items()},
    (Behaviour.TIME_SERIES,),
)
