/* One row a shape of the private API, as it is described in src/model/shapes*.c. */
SHAPE(none) /* no body at all */
SHAPE(any)  /* any JSON */
SHAPE(problem)
SHAPE(whoami)
SHAPE(event)
SHAPE(consumer_put)
SHAPE(consumer_terms)
SHAPE(consumer)
SHAPE(consumer_list)
SHAPE(consumer_replay)
SHAPE(claim)
SHAPE(claimed)
SHAPE(claims)
SHAPE(ack)
SHAPE(nack)
SHAPE(extend)
SHAPE(lease_result)
SHAPE(lease_results)
SHAPE(dead_letter)
SHAPE(dead_letters)
SHAPE(attempt)
SHAPE(retried)
#undef SHAPE
