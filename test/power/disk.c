/* A disk without power. */
#include "disk.h"

#include "../unit/unit.h"

const char *const disk_endings[DISK_NAMES] = {
    [DISK_MAIN] = "", [DISK_JOURNAL] = "-journal", [DISK_LOG] = "-wal"};

static const size_t sector_bytes[] = {[DISK_TEARS_512] = 512, [DISK_TEARS_4096] = 4096};

/* What a file was told since its last sync, and how the cut deals with it. */
struct waiting {
    const struct disk_op **ops;
    size_t count;
    enum disk_tearing tearing;
    size_t kept; /* of 4 writes, about */
    uint64_t *seed;
    struct buf *image;
};

void disk_note(struct disk *disk, struct disk_op op)
{
    if (disk->count == disk->room) {
        disk->room = disk->room * 2 + 1024;
        disk->ops = mem_resize(disk->ops, disk->room * sizeof *disk->ops);
    }
    if (op.kind == DISK_CREATE)
        op.file = disk->files[op.name] = ++disk->last_file;
    if (op.kind == DISK_DELETE)
        disk->files[op.name] = 0;
    op.bytes.at = arena_copy(&disk->arena, op.bytes);
    disk->ops[disk->count++] = op;
}

void disk_copy(struct disk *copy, const struct disk *disk, size_t count)
{
    for (size_t i = 0; i < count; i++)
        disk_note(copy, disk->ops[i]);
}

void disk_load(struct disk *disk, const struct buf images[DISK_NAMES], const bool there[DISK_NAMES])
{
    for (enum disk_name name = 0; name < DISK_NAMES; name++) {
        if (!there[name])
            continue;
        disk_note(disk, (struct disk_op){.kind = DISK_CREATE, .name = name});
        disk_note(disk, (struct disk_op){DISK_WRITE, name, disk->files[name], 0, buf_span(&images[name])});
        disk_note(disk, (struct disk_op){.kind = DISK_SYNC, .name = name, .file = disk->files[name]});
    }
    disk_note(disk, (struct disk_op){.kind = DISK_SYNC_DIRECTORY, .name = DISK_NAMES});
}

void disk_free(struct disk *disk)
{
    free(disk->ops);
    arena_free(&disk->arena);
    *disk = (struct disk){0};
}

static void set_length(struct buf *image, size_t length)
{
    static const char zeros[4096];
    while (image->len < length)
        buf_add(image, (struct span){zeros, length - image->len < 4096 ? length - image->len : 4096});
    image->len = length;
}

/* The bytes of a write from `from` to `end` of the file. */
static void put_piece(struct buf *image, const struct disk_op *op, size_t from, size_t end)
{
    if (from == end)
        return;
    if (image->len < end)
        set_length(image, end);
    memcpy(image->at + from, op->bytes.at + (from - op->at), end - from);
}

static void put_whole(struct buf *image, const struct disk_op *op)
{
    if (op->kind == DISK_TRUNCATE)
        set_length(image, op->at);
    else
        put_piece(image, op, op->at, op->at + op->bytes.len);
}

static size_t piece_end(const struct disk_op *op, size_t from, size_t sector)
{
    size_t next = (from / sector + 1) * sector;
    size_t end = op->at + op->bytes.len;
    return next < end ? next : end;
}

/* Of each sector of the write, by chance, what was to be written there. */
static void put_torn(struct waiting *waiting, const struct disk_op *op)
{
    size_t sector = sector_bytes[waiting->tearing];
    size_t end = op->at + op->bytes.len;
    for (size_t from = op->at, next; from < end; from = next) {
        next = piece_end(op, from, sector);
        if (roll(waiting->seed, 2) == 0)
            put_piece(waiting->image, op, from, next);
    }
}

/* A sector that was being written holds noise or zeros from somewhere on, also where it was not to change. */
static void spoil(struct waiting *waiting, const struct disk_op *op)
{
    struct buf *image = waiting->image;
    size_t end = op->at + op->bytes.len;
    for (size_t from = op->at; from < end; from = piece_end(op, from, 4096)) {
        size_t start = from / 4096 * 4096;
        if (roll(waiting->seed, 4) != 0 || start >= image->len)
            continue;
        size_t length = image->len - start < 4096 ? image->len - start : 4096;
        size_t first = start + roll(waiting->seed, length);
        bool zeros = roll(waiting->seed, 2) == 0;
        size_t last = roll(waiting->seed, 2) == 0 ? start + length
                                                  : first + 1 + roll(waiting->seed, start + length - first);
        for (size_t i = first; i < last; i++)
            image->at[i] = zeros ? '\0' : (char)roll(waiting->seed, 256);
    }
}

static void shuffle(struct waiting *waiting)
{
    for (size_t i = waiting->count; i > 1; i--) {
        size_t other = roll(waiting->seed, i);
        const struct disk_op *op = waiting->ops[other];
        waiting->ops[other] = waiting->ops[i - 1];
        waiting->ops[i - 1] = op;
    }
}

/* Without a sync: any of what waits, in any order, and torn. */
static void settle_by_chance(struct waiting *waiting)
{
    if (roll(waiting->seed, 2) == 0)
        shuffle(waiting);
    for (size_t i = 0; i < waiting->count; i++) {
        const struct disk_op *op = waiting->ops[i];
        if (roll(waiting->seed, 4) < waiting->kept)
            put_whole(waiting->image, op);
        else if (op->kind == DISK_WRITE && roll(waiting->seed, 2) == 0)
            put_torn(waiting, op);
    }
    for (size_t i = 0; i < waiting->count && waiting->tearing == DISK_TEARS_4096; i++)
        spoil(waiting, waiting->ops[i]);
    waiting->count = 0;
}

static void settle_all(struct waiting *waiting)
{
    for (size_t i = 0; i < waiting->count; i++)
        put_whole(waiting->image, waiting->ops[i]);
    waiting->count = 0;
}

static void tell(struct waiting *waiting, const struct disk_op *op)
{
    if (op->kind == DISK_WRITE || op->kind == DISK_TRUNCATE) {
        waiting->ops[waiting->count++] = op;
    } else if (op->kind == DISK_SYNC) {
        settle_all(waiting);
    } else if (op->kind == DISK_SYNC_FAILED) {
        settle_by_chance(waiting);
    }
}

static void build(const struct disk *disk, const struct disk_cut *cut, size_t file, uint64_t *seed,
                  struct buf *image)
{
    struct waiting waiting = {.ops = mem_alloc((cut->at + 1) * sizeof *waiting.ops),
                              .tearing = cut->tearing,
                              .kept = roll(seed, 5),
                              .seed = seed,
                              .image = image};
    for (size_t i = 0; i < cut->at; i++)
        if (disk->ops[i].file == file)
            tell(&waiting, &disk->ops[i]);
    if (cut->spares)
        settle_all(&waiting);
    else
        settle_by_chance(&waiting);
    free(waiting.ops);
}

static bool keeps(const struct disk_op *op, enum disk_name name, enum disk_directory directory)
{
    return op->kind == DISK_SYNC_DIRECTORY ||
           (op->kind == DISK_SYNC_NAME && (op->name == name || directory == DISK_DIRECTORY_WHOLE));
}

/* The file that a name leads to: the one it led to when last synced, or any that it has led to since. */
static size_t file_under(const struct disk *disk, const struct disk_cut *cut, enum disk_name name,
                         uint64_t *seed)
{
    size_t latest = 0, found = 0, choices = 1;
    for (size_t i = 0; i < cut->at; i++) {
        const struct disk_op *op = &disk->ops[i];
        if (keeps(op, name, cut->directory)) {
            found = latest;
            choices = 1;
        } else if (op->name == name && (op->kind == DISK_CREATE || op->kind == DISK_DELETE)) {
            latest = op->kind == DISK_CREATE ? op->file : 0;
            if (cut->spares || roll(seed, ++choices) == 0)
                found = latest;
        }
    }
    return found;
}

void disk_after(const struct disk *disk, const struct disk_cut *cut, struct buf images[DISK_NAMES],
                bool there[DISK_NAMES])
{
    uint64_t seed = (cut->seed * 1000003 + cut->at + 1) * UINT64_C(0x9e3779b97f4a7c15);
    for (enum disk_name name = 0; name < DISK_NAMES; name++) {
        size_t file = file_under(disk, cut, name, &seed);
        there[name] = file != 0;
        if (file != 0)
            build(disk, cut, file, &seed, &images[name]);
    }
}
