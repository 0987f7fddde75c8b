/* One row an end of a webhook's way: name, label. */
OUTCOME(ACCEPTED, "accepted")       /* on disk as a new event; one each row of a batch */
OUTCOME(DUPLICATE, "duplicate")     /* the event was there already */
OUTCOME(CHANGED, "changed")         /* so it was, by its key, but with other bytes */
OUTCOME(QUARANTINED, "quarantined") /* authentic, and on disk in quarantine */
OUTCOME(IGNORED, "ignored")         /* authentic, and the definition wants nothing of it */
OUTCOME(HANDSHAKE, "handshake")     /* a challenge, answered */
OUTCOME(REFUSED, "refused")         /* not authentic */
OUTCOME(LIMITED, "limited")         /* answered 429: nothing was promised */
OUTCOME(SHED, "shed")               /* answered 503: nothing was promised */
#undef OUTCOME
