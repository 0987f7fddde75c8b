/* Geohashes: the name of a cell on the earth, 1 to 12 letters and digits. */
#ifndef PICKUPD_MODEL_GEOHASH_H
#define PICKUPD_MODEL_GEOHASH_H

#include "base/span.h"

#define GEOHASH_MAX 12

/* Degrees; its edges belong to it. */
struct geo_cell {
    double south, north, west, east;
};

/* False for what is no geohash: capitals, and a, i, l and o, are not used. */
bool geohash_read(struct span text, struct geo_cell *cell);

/* Metres from a point to the nearest point of a cell, on a sphere; 0 inside. */
double geohash_distance(const struct geo_cell *cell, double lat, double lng);

#endif
