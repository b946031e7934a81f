/*
 * test_identity.c - data.dir: made once, kept, locked.
 */
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "click/identity.h"

enum { PATH_SIZE = 256 };

static int setup(void **state) {
    static const char pattern[] = "/tmp/brinco-identity-XXXXXX";
    char *directory = malloc(PATH_SIZE);
    memcpy(directory, pattern, sizeof(pattern));
    *state = directory;
    return mkdtemp(directory) == NULL;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk) {
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

static int teardown(void **state) {
    nftw(*state, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    free(*state);
    return 0;
}

static const char *path_of(const char *directory, const char *name) {
    static char path[PATH_SIZE * 2];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    return path;
}

static void put(const char *directory, const char *name, struct slice content, mode_t mode) {
    const char *path = path_of(directory, name);
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    assert_true(fd >= 0);
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(write(fd, content.data, content.size), content.size);
    close(fd);
}

static mode_t mode_of(const char *path) {
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    return status.st_mode & 07777;
}

static void assert_refused(const char *directory, struct slice edge_id, const char *words) {
    struct identity identity;
    struct err err = {""};
    assert_false(identity_open(directory, edge_id, &identity, &err));
    if (strstr(err.text, words) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", err.text, words);
    }
    assert_int_equal(identity.lock_fd, -1);
}

static void test_a_new_directory_gets_an_id_and_a_secret_of_its_own(void **state) {
    char directory[PATH_SIZE];
    snprintf(directory, sizeof(directory), "%s/made/here", (char *)*state);
    struct identity identity;
    struct err err = {""};
    assert_true(identity_open(directory, SLICE_EMPTY, &identity, &err));
    assert_int_equal(mode_of(directory), 0700);
    assert_int_equal(mode_of(path_of(directory, "secret")), 0600);
    assert_int_equal(strlen(identity.edge_id), 11);
    assert_int_equal(identity.edge_id[0], 'e');
    assert_int_equal(strspn(identity.edge_id + 1, "0123456789abcdefghjkmnpqrstvwxyz"), 10);
    static const uint8_t zeros[IDENTITY_SECRET_BYTES];
    assert_memory_not_equal(identity.secret, zeros, sizeof(zeros));
    identity_close(&identity);
}

static void test_what_was_made_once_is_kept(void **state) {
    struct identity first;
    struct identity second;
    struct err err = {""};
    assert_true(identity_open(*state, SLICE_EMPTY, &first, &err));
    struct identity kept = first;
    identity_close(&first);
    assert_true(identity_open(*state, SLICE_EMPTY, &second, &err));
    assert_string_equal(second.edge_id, kept.edge_id);
    assert_memory_equal(second.secret, kept.secret, sizeof(kept.secret));
    identity_close(&second);
}

static void test_closing_wipes_the_secret_and_lets_the_lock_go(void **state) {
    struct identity identity;
    struct err err = {""};
    assert_true(identity_open(*state, SLICE_EMPTY, &identity, &err));
    assert_true(identity.lock_fd >= 0);
    assert_int_equal(fcntl(identity.lock_fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    identity_close(&identity);
    static const uint8_t zeros[IDENTITY_SECRET_BYTES];
    assert_memory_equal(identity.secret, zeros, sizeof(zeros));
    assert_int_equal(identity.lock_fd, -1);
    identity_close(&identity); /* once more does no harm */
    assert_true(identity_open(*state, SLICE_EMPTY, &identity, &err));
    identity_close(&identity);
}

static void test_a_locked_directory_is_refused(void **state) {
    struct identity identity;
    struct err err = {""};
    assert_true(identity_open(*state, SLICE_EMPTY, &identity, &err));
    assert_refused(*state, SLICE_EMPTY, "another brinco process");
    identity_close(&identity);
}

static void test_a_configured_id_is_used_and_not_written(void **state) {
    struct identity identity;
    struct err err = {""};
    assert_true(identity_open(*state, SLICE("Edge_7-mx"), &identity, &err));
    assert_string_equal(identity.edge_id, "Edge_7-mx");
    assert_int_not_equal(access(path_of(*state, "edge-id"), F_OK), 0);
    identity_close(&identity);
}

static void test_an_id_of_other_characters_or_size_is_refused(void **state) {
    char long_id[66];
    memset(long_id, 'x', sizeof(long_id));
    assert_refused(*state, SLICE("edge:1"), "A-Z a-z 0-9 - _");
    assert_refused(*state, SLICE("edge 1"), "edge.id");
    assert_refused(*state, slice_make(long_id, 65), "1 to 64");
    assert_refused(*state, slice_make("a\0b", 3), "1 to 64");
    struct identity identity;
    struct err err = {""};
    assert_true(identity_open(*state, slice_make(long_id, 64), &identity, &err));
    assert_int_equal(strlen(identity.edge_id), 64);
    identity_close(&identity);
}

static void test_a_line_break_behind_the_id_is_tolerated(void **state) {
    struct identity identity;
    struct err err = {""};
    put(*state, "edge-id", SLICE("edge-9\r\n"), 0644);
    assert_true(identity_open(*state, SLICE_EMPTY, &identity, &err));
    assert_string_equal(identity.edge_id, "edge-9");
    identity_close(&identity);
}

static void test_a_spoilt_id_file_is_refused_with_its_path(void **state) {
    static const struct slice spoilt[] = {SLICE(""), SLICE("\n"), SLICE("a b\n"), SLICE("a\nb\n")};
    for (size_t i = 0; i < ARRAY_COUNT(spoilt); i++) {
        put(*state, "edge-id", spoilt[i], 0644);
        assert_refused(*state, SLICE_EMPTY, "/edge-id: ");
    }
    char huge[1000];
    memset(huge, 'x', sizeof(huge));
    put(*state, "edge-id", slice_make(huge, sizeof(huge)), 0644);
    assert_refused(*state, SLICE_EMPTY, "/edge-id");
}

static void test_a_secret_that_others_can_use_is_refused(void **state) {
    static const mode_t modes[] = {0640, 0620, 0604, 0602, 0610, 0601, 0644, 0666};
    char secret[IDENTITY_SECRET_BYTES];
    memset(secret, 's', sizeof(secret));
    for (size_t i = 0; i < ARRAY_COUNT(modes); i++) {
        put(*state, "secret", slice_make(secret, sizeof(secret)), modes[i]);
        assert_refused(*state, SLICE_EMPTY, "chmod 600");
    }
    put(*state, "secret", slice_make(secret, sizeof(secret)), 0600);
    struct identity identity;
    struct err err = {""};
    assert_true(identity_open(*state, SLICE_EMPTY, &identity, &err));
    assert_memory_equal(identity.secret, secret, sizeof(secret));
    identity_close(&identity);
}

static void test_a_secret_of_another_size_is_refused(void **state) {
    static const size_t sizes[] = {0, 1, 31, 33, 64};
    char secret[64];
    memset(secret, 's', sizeof(secret));
    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
        put(*state, "secret", slice_make(secret, sizes[i]), 0600);
        assert_refused(*state, SLICE_EMPTY, "exactly 32");
    }
}

static void test_what_is_no_file_is_refused(void **state) {
    assert_int_equal(mkdir(path_of(*state, "secret"), 0700), 0);
    assert_refused(*state, SLICE_EMPTY, "/secret");
    assert_int_equal(rmdir(path_of(*state, "secret")), 0);
    assert_int_equal(mkfifo(path_of(*state, "secret"), 0600), 0);
    assert_refused(*state, SLICE_EMPTY, "not a regular file");
    put(*state, "file", SLICE("x"), 0600);
    char directory[PATH_SIZE];
    snprintf(directory, sizeof(directory), "%s/file", (char *)*state);
    assert_refused(directory, SLICE_EMPTY, "/file");
}

#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(test_a_new_directory_gets_an_id_and_a_secret_of_its_own),
        IN_DIRECTORY(test_what_was_made_once_is_kept),
        IN_DIRECTORY(test_closing_wipes_the_secret_and_lets_the_lock_go),
        IN_DIRECTORY(test_a_locked_directory_is_refused),
        IN_DIRECTORY(test_a_configured_id_is_used_and_not_written),
        IN_DIRECTORY(test_an_id_of_other_characters_or_size_is_refused),
        IN_DIRECTORY(test_a_line_break_behind_the_id_is_tolerated),
        IN_DIRECTORY(test_a_spoilt_id_file_is_refused_with_its_path),
        IN_DIRECTORY(test_a_secret_that_others_can_use_is_refused),
        IN_DIRECTORY(test_a_secret_of_another_size_is_refused),
        IN_DIRECTORY(test_what_is_no_file_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
