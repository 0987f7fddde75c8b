/* One row a reason for which a connection is cut off: name, label. */
CUTOFF(NO_ROOM, "no_room")           /* its request was answered 503: see http_room */
CUTOFF(CLIENT_LIMIT, "client_limit") /* its client has as many as it may */
CUTOFF(SLOW_REQUEST, "slow_request") /* bytes came, but the request was not whole in time */
CUTOFF(SLOW_ANSWER, "slow_answer")   /* the answer was not taken in time */
CUTOFF(STRANGER, "stranger")         /* no more were taken, and it had not shown who it was */
#undef CUTOFF
