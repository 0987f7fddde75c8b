/*
 * One row a reason for which a webhook is refused: name, label, the outcome it is counted as (NONE: it comes
 * before anything is), the word that a verification ends with (NULL: it has none, see model/scheme.h).
 */
REFUSAL(FRAMING, "framing", NONE, NULL)
REFUSAL(METHOD, "method", NONE, NULL)
REFUSAL(TOO_LARGE, "too_large", NONE, NULL)
REFUSAL(MEDIA_TYPE, "media_type", NONE, NULL)
REFUSAL(ADDRESS_LIMIT, "address_limit", LIMITED, NULL)
REFUSAL(SOURCE_LIMIT, "source_limit", LIMITED, NULL)
REFUSAL(NOT_ALLOWED, "not_allowed", REFUSED, NULL)
REFUSAL(NO_HANDSHAKE, "no_handshake", REFUSED, "no handshake")
REFUSAL(MISSING, "signature_missing", REFUSED, "missing")
REFUSAL(REPEATED, "signature_repeated", REFUSED, "repeated")
REFUSAL(MALFORMED, "signature_malformed", REFUSED, "malformed")
REFUSAL(WRONG, "signature_wrong", REFUSED, "wrong")
REFUSAL(TOO_OLD, "time_too_old", REFUSED, "too old")
REFUSAL(TOO_FAR_AHEAD, "time_ahead", REFUSED, "too far ahead")
REFUSAL(MALFORMED_TIME, "time_malformed", REFUSED, "malformed time")
REFUSAL(NO_SECRET, "no_live_secret", REFUSED, "no secret is live now")
REFUSAL(OTHER, "other", REFUSED, NULL) /* whatever else a verification ends with */
REFUSAL(BUSY, "busy", SHED, NULL)
REFUSAL(DISK_FULL, "disk_full", SHED, NULL)
REFUSAL(DISK_FAILED, "disk_failed", SHED, NULL)
REFUSAL(QUARANTINE_FULL, "quarantine_full", SHED, NULL)
#undef REFUSAL
