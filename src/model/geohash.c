/* Cells by halving, and distances on a sphere. */
#include "model/geohash.h"

#include <math.h>

#define EARTH   6371008.8 /* metres, mean radius */
#define DEGREES (M_PI / 180)

static void halve(double *low, double *high, bool is_upper)
{
    double middle = (*low + *high) / 2;
    *(is_upper ? low : high) = middle;
}

bool geohash_read(struct span text, struct geo_cell *cell)
{
    static const char digits[] = "0123456789bcdefghjkmnpqrstuvwxyz";
    bool is_lng = true;
    *cell = (struct geo_cell){-90, 90, -180, 180};
    if (text.len == 0 || text.len > GEOHASH_MAX)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        const char *digit = memchr(digits, text.at[i], sizeof digits - 1);
        if (digit == NULL)
            return false;
        for (int bit = 4; bit >= 0; bit--, is_lng = !is_lng) {
            bool is_upper = ((digit - digits) >> bit & 1) != 0;
            if (is_lng)
                halve(&cell->west, &cell->east, is_upper);
            else
                halve(&cell->south, &cell->north, is_upper);
        }
    }
    return true;
}

static double haversine(double lat, double other, double lng)
{
    double north = sin((other - lat) * DEGREES / 2);
    double east = sin(lng * DEGREES / 2);
    double chord = north * north + cos(lat * DEGREES) * cos(other * DEGREES) * east * east;
    return 2 * EARTH * asin(fmin(1, sqrt(chord)));
}

/*
 * To the edge of a cell that lies on a meridian so many degrees away, at most 180. The foot on a meridian is
 * the nearest point up to 90 degrees; beyond, it is one of the ends.
 */
static double to_edge(const struct geo_cell *cell, double lat, double lng)
{
    double foot = atan2(tan(lat * DEGREES), cos(lng * DEGREES)) / DEGREES;
    if (lng >= 90)
        return fmin(haversine(lat, cell->south, lng), haversine(lat, cell->north, lng));
    return haversine(lat, fmax(cell->south, fmin(cell->north, foot)), lng);
}

double geohash_distance(const struct geo_cell *cell, double lat, double lng)
{
    double to_east = fmod(lng - cell->east + 720, 360); /* eastward from the cell to the point */
    double to_west = fmod(cell->west - lng + 720, 360);
    if (lng >= cell->west && lng <= cell->east)
        return haversine(lat, fmax(cell->south, fmin(cell->north, lat)), 0);
    return to_edge(cell, lat, fmin(180, fmin(to_east, to_west)));
}
