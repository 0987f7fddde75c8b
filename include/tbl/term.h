/* One row a word that a definition's confirmation may use: name, text between the braces. */
TERM(EXTERNAL_ID, "externalId") /* the vendor's own id, else the pickup id */
TERM(PICKUP_ID, "pickupId")
TERM(STATUS, "status")
TERM(WINDOW_START, "windowStart")
TERM(ETA, "eta")
TERM(DRIVER_NAME, "driverName")
TERM(DRIVER_PHONE, "driverPhone")
#undef TERM
