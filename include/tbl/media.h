/* One row a further form in which an operation answers: operation, media type, its JSON Schema. */
MEDIA(events, CLOUDEVENT_BATCH_TYPE,
      "{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/CloudEvent\"}}")
MEDIA(stream, SSE_TYPE, "{\"type\":\"string\"}")
#undef MEDIA
