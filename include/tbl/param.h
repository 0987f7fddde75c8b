/* One row a parameter in the query of an operation: operation, name, type, least, most, words, help. */
PARAM(dead, cursor, WHOLE, 0, INT64_MAX, "", "Go on behind this one: `next` of the page before.")
PARAM(dead, limit, WHOLE, 1, 1000, "", "Dead letters of a page, 100 unless given.")
#undef PARAM
