/* Files as a cut left them. */
#include "remains.h"

const char *remains_path(struct shelf *shelf, const char *ending)
{
    struct buf path = {.arena = &shelf->arena};
    buf_printf(&path, "%s/cut.db%s", shelf->dir, ending);
    return buf_text(&path);
}

static void put_file(const char *path, struct span bytes)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes.at, 1, bytes.len, file), bytes.len);
    assert_int_equal(fclose(file), 0);
}

void remains_put(struct shelf *shelf, const struct disk *disk, const struct disk_cut *cut,
                 struct disk *loaded)
{
    struct buf images[DISK_NAMES] = {{0}};
    bool there[DISK_NAMES];
    unlink(remains_path(shelf, "-shm"));
    disk_after(disk, cut, images, there);
    if (loaded != NULL)
        disk_load(loaded, images, there);
    for (enum disk_name name = 0; name < DISK_NAMES; name++) {
        const char *path = remains_path(shelf, disk_endings[name]);
        unlink(path);
        if (there[name])
            put_file(path, buf_span(&images[name]));
        buf_free(&images[name]);
    }
}
