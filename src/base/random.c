/* Asks the kernel. */
#include "base/random.h"

#include <stdlib.h>

#include <sys/random.h>

void random_fill(void *at, size_t count)
{
    if (getrandom(at, count, 0) != (ssize_t)count)
        abort();
}

uint64_t random_number(void)
{
    uint64_t number;
    random_fill(&number, sizeof number);
    return number;
}

int64_t random_between(int64_t least, int64_t most)
{
    return least + (int64_t)(random_number() % ((uint64_t)most - (uint64_t)least + 1));
}
