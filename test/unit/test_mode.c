/* Who else may read or change a file, or put another in its place. */
#include "sys/mode.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

#define STRANGER 54321 /* has no name */
#define TRUSTED  54322

static char directory[] = "/tmp/pickupd-mode-XXXXXX";

/* Whether both rules allow the mode, as "secret config". */
static void check_modes(mode_t mode, const char *want)
{
    struct faults faults CLEANUP(faults_free) = {0};
    struct buf path CLEANUP(buf_free) = {0};
    buf_printf(&path, "%s/file", directory);
    int fd = open(buf_text(&path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(fchmod(fd, mode), 0);
    struct buf got CLEANUP(buf_free) = {0};
    buf_add(&got, mode_suits_secret(fd, "name", &faults) ? SPAN("secret") : SPAN("-"));
    buf_add(&got, mode_suits_config(fd, "name", &faults) ? SPAN(" config") : SPAN(" -"));
    check_text("modes", buf_span(&got), want);
    assert_int_equal(faults.count, want[0] == '-');
    close(fd);
    unlink(buf_text(&path));
}

static void what_others_may_decides(void **state)
{
    (void)state;
    check_modes(0600, "secret config");
    check_modes(0400, "secret config");
    check_modes(0440, "secret config");
    check_modes(0640, "secret config");
    check_modes(0660, "secret config"); /* of our own group */
    check_modes(0604, "- config");
    check_modes(0644, "- config");
    check_modes(0664, "- config");
    check_modes(0602, "- -");
    check_modes(0666, "- -");
}

static void another_group_may_not_write(void **state)
{
    (void)state;
    struct faults faults CLEANUP(faults_free) = {0};
    struct buf path CLEANUP(buf_free) = {0};
    buf_printf(&path, "%s/file", directory);
    int fd = open(buf_text(&path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fchown(fd, (uid_t)-1, STRANGER) != 0) {
        close(fd);
        unlink(buf_text(&path));
        buf_free(&path); /* skip() does not come back */
        skip();          /* only root may */
    }
    assert_int_equal(fchmod(fd, 0640), 0);
    assert_true(mode_suits_secret(fd, "name", &faults));
    assert_int_equal(fchmod(fd, 0660), 0);
    assert_false(mode_suits_secret(fd, "name", &faults));
    assert_false(mode_suits_config(fd, "name", &faults));
    check_faults("group", &faults, "name: a group that is not ours may write it: chmod g-w name");
    close(fd);
    unlink(buf_text(&path));
}

static void what_was_handed_over_is_taken(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        bool taken;
    } rows[] = {
        {"/run/secrets/dentrix", true},
        {"/run/credentials/pickupd.service/dentrix", true},
        {"/elsewhere/credentials/dentrix", true},
        {"/run/secrets-of-mine/dentrix", false},
        {"/run/secrets", false},
        {"/run/secrets/../../tmp/dentrix", false},
        {"run/secrets/dentrix", false},
    };
    struct buf path CLEANUP(buf_free) = {0};
    buf_printf(&path, "%s/file", directory);
    int fd = open(buf_text(&path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(fchmod(fd, 0444), 0);
    setenv("CREDENTIALS_DIRECTORY", "/elsewhere/credentials", 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct faults faults CLEANUP(faults_free) = {0};
        CHECK(rows[i].path, mode_suits_secret(fd, rows[i].path, &faults) == rows[i].taken);
    }
    struct faults faults CLEANUP(faults_free) = {0}, relative CLEANUP(faults_free) = {0};
    setenv("CREDENTIALS_DIRECTORY", "elsewhere", 1); /* wherever one stands, which is nobody's word */
    assert_false(mode_suits_secret(fd, "elsewhere/dentrix", &relative));
    setenv("CREDENTIALS_DIRECTORY", "", 1);
    if (fchown(fd, STRANGER, (gid_t)-1) == 0) { /* docker's are whose they were outside */
        assert_true(mode_suits_secret(fd, "/run/secrets/dentrix", &faults));
        assert_true(mode_suits_config(fd, "/run/secrets/definition", &faults));
        assert_int_equal(fchown(fd, geteuid(), (gid_t)-1), 0);
    }
    assert_false(mode_suits_secret(fd, "/elsewhere/credentials/dentrix", &faults));
    check_faults("fault", &faults,
                 "/elsewhere/credentials/dentrix: everybody may read it, and it holds a secret: chmod 600 "
                 "/elsewhere/credentials/dentrix");
    close(fd);
    unlink(buf_text(&path));
}

/* Opens a file of that owner in the directory, whatever the directory's own is; skips where only root may. */
static int open_owned(struct buf *path, const char *name, uid_t owner)
{
    buf_printf(path, "%s/%s", directory, name);
    int fd = open(buf_text(path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    if (fchown(fd, owner, (gid_t)-1) != 0) {
        close(fd);
        unlink(buf_text(path));
        buf_free(path);
        skip();
    }
    return fd;
}

static void check_owner(uid_t owner, const char *want)
{
    struct faults faults CLEANUP(faults_free) = {0};
    struct buf path CLEANUP(buf_free) = {0}, told CLEANUP(buf_free) = {0};
    int fd = open_owned(&path, "owned", owner);
    CHECK("secret", mode_suits_secret(fd, buf_text(&path), &faults) == (*want == '\0'));
    CHECK("config", mode_suits_config(fd, buf_text(&path), &faults) == (*want == '\0'));
    CHECK("owner", mode_suits_owner(fd, buf_text(&path), &faults) == (*want == '\0'));
    CHECK("unread", mode_suits_unread(fd, buf_text(&path), &faults));
    CHECK("kept", mode_suits_kept(fd, buf_text(&path), &faults));
    if (*want != '\0')
        buf_printf(&told, "%s: belongs to %s, neither to root nor to %s: chown root %s", buf_text(&path),
                   want, geteuid() == 0 ? "user in [server]" : "us", buf_text(&path));
    check_faults("fault", &faults, buf_text(&told));
    close(fd);
    unlink(buf_text(&path));
}

static void it_belongs_to_us_or_to_whom_root_trusts(void **state)
{
    (void)state;
    check_owner(geteuid(), "");
    check_owner(TRUSTED, "uid 54322");
    mode_trust(TRUSTED);
    mode_trust(STRANGER); /* comes too late */
    check_owner(TRUSTED, "");
    check_owner(STRANGER, "uid 54321");
    check_owner(0, "");
}

static void who_is_not_root_trusts_root_and_himself(void **state)
{
    (void)state;
    struct faults faults CLEANUP(faults_free) = {0};
    struct buf roots CLEANUP(buf_free) = {0}, own CLEANUP(buf_free) = {0}, other CLEANUP(buf_free) = {0};
    int fds[] = {open_owned(&own, "own", STRANGER), open_owned(&other, "other", TRUSTED),
                 open_owned(&roots, "roots", 0)};
    assert_int_equal(chmod(directory, 0755), 0);
    assert_int_equal(seteuid(STRANGER), 0);
    bool takes_own = mode_suits_config(fds[0], buf_text(&own), &faults);
    bool takes_other = mode_suits_config(fds[1], buf_text(&other), &faults);
    bool takes_roots = mode_suits_config(fds[2], buf_text(&roots), &faults);
    assert_int_equal(seteuid(0), 0);
    assert_true(takes_own && takes_roots && !takes_other);
    assert_int_equal(faults.count, 1);
    assert_non_null(
        strstr(faults.texts[0], ": belongs to uid 54322, neither to root nor to us: chown root /"));
    const char *paths[] = {buf_text(&own), buf_text(&other), buf_text(&roots)};
    for (size_t i = 0; i < 3; i++) {
        close(fds[i]);
        unlink(paths[i]);
    }
}

/* Whether a file of ours suits in a directory of that owner and mode. */
static bool suits_in(uid_t owner, mode_t mode, struct faults *faults)
{
    struct buf path CLEANUP(buf_free) = {0};
    int fd = open_owned(&path, "file", geteuid());
    assert_int_equal(chown(directory, owner, (gid_t)-1), 0);
    assert_int_equal(chmod(directory, mode), 0);
    bool suits = mode_suits_config(fd, buf_text(&path), faults);
    assert_int_equal(chown(directory, geteuid(), (gid_t)-1), 0);
    assert_int_equal(chmod(directory, 0700), 0);
    close(fd);
    unlink(buf_text(&path));
    return suits;
}

static void its_directory_is_nobody_elses(void **state)
{
    (void)state;
    struct faults faults CLEANUP(faults_free) = {0};
    struct buf want CLEANUP(buf_free) = {0};
    assert_true(suits_in(geteuid(), 0755, &faults));
    assert_true(suits_in(geteuid(), 0770, &faults));
    assert_true(suits_in(geteuid(), 01777, &faults)); /* nobody removes what is another's */
    assert_int_equal(faults.count, 0);
    assert_false(suits_in(geteuid(), 0777, &faults));
    buf_printf(&want, "%s: everybody may write there: chmod o-w %s", directory, directory);
    check_faults("everybody", &faults, buf_text(&want));
    faults_free(&faults);
    buf_free(&want);
    if (geteuid() != 0)
        skip();
    assert_false(suits_in(STRANGER, 0755, &faults));
    assert_false(suits_in(STRANGER, 01777, &faults));
    buf_printf(&want, "%s: belongs to uid 54321, neither to root nor to user in [server]: chown root %s",
               directory, directory);
    check_faults("owner", &faults, buf_text(&want));
}

static void a_pipe_with_a_name_has_an_owner(void **state)
{
    (void)state;
    struct faults faults CLEANUP(faults_free) = {0};
    struct buf path CLEANUP(buf_free) = {0};
    buf_printf(&path, "%s/pipe", directory);
    assert_int_equal(mkfifo(buf_text(&path), 0600), 0);
    int fd = open(buf_text(&path), O_RDWR | O_CLOEXEC);
    assert_true(mode_suits_secret(fd, buf_text(&path), &faults));
    if (geteuid() == 0) {
        assert_int_equal(fchown(fd, STRANGER, (gid_t)-1), 0);
        assert_false(mode_suits_secret(fd, buf_text(&path), &faults));
        assert_false(mode_suits_config(fd, buf_text(&path), &faults));
    }
    close(fd);
    unlink(buf_text(&path));
}

static void a_pipe_belongs_to_who_made_it(void **state)
{
    (void)state;
    struct faults faults CLEANUP(faults_free) = {0};
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_true(mode_suits_secret(ends[0], "/dev/fd/3", &faults));
    close(ends[0]);
    close(ends[1]);
    assert_false(mode_suits_secret(ends[0], "gone", &faults));
}

static int make_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) == NULL;
}

static int remove_directory(void **state)
{
    (void)state;
    return rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_others_may_decides),
        cmocka_unit_test(another_group_may_not_write),
        cmocka_unit_test(what_was_handed_over_is_taken),
        cmocka_unit_test(it_belongs_to_us_or_to_whom_root_trusts),
        cmocka_unit_test(who_is_not_root_trusts_root_and_himself),
        cmocka_unit_test(its_directory_is_nobody_elses),
        cmocka_unit_test(a_pipe_with_a_name_has_an_owner),
        cmocka_unit_test(a_pipe_belongs_to_who_made_it),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
