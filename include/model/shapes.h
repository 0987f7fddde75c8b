/* The shapes of the private API. */
#ifndef PICKUPD_MODEL_SHAPES_H
#define PICKUPD_MODEL_SHAPES_H

#include "model/shape.h"

#define SHAPE(name) extern const struct shape shape_##name;
#include "tbl/shape.h"

/* All of them, for the description. */
extern const struct shape *const shapes[];
extern const size_t shape_count;

#endif
