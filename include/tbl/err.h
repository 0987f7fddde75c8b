/*
 * One row an error: name, HTTP status, the text a client may read.
 * The texts carry no value of a request and no reason why a signature failed.
 */
ERR(OK, 200, "ok")
ERR(BAD_REQUEST, 400, "Bad request")
ERR(BAD_WEBHOOK, 400, "Invalid webhook data")
ERR(BAD_SIGNATURE, 401, "Invalid signature")
ERR(NO_TOKEN, 401, "Unauthorized")
ERR(ROLE, 403, "Forbidden")
ERR(UNKNOWN_SOURCE, 404, "Unknown EHR system")
ERR(NOT_FOUND, 404, "Not found")
ERR(METHOD, 405, "Method not allowed")
ERR(CONFLICT, 409, "Conflict")
ERR(TOO_LARGE, 413, "Body too large")
ERR(MEDIA_TYPE, 415, "Unsupported media type")
ERR(REJECTED, 422, "Unprocessable content")
ERR(RATE, 429, "Too many requests")
ERR(INTERNAL, 500, "Internal error")
ERR(SEALED, 500, "Sealed data can't be read")
ERR(BUSY, 503, "Service unavailable")
ERR(STORE, 503, "store can't write")
ERR(FULL, 503, "store is full")
ERR(SYNC, 503, "store failed to sync")
ERR(QUARANTINE_FULL, 503, "Quarantine is full")
#undef ERR
