/* base/file.h: whole files or none, in a directory of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"

static char directory[64];

static int make_directory(void **state) {
    (void)state;
    snprintf(directory, sizeof(directory), "/tmp/brinco-file-XXXXXX");
    return mkdtemp(directory) == NULL ? -1 : 0;
}

static int remove_directory(void **state) {
    char command[128];
    (void)state;
    snprintf(command, sizeof(command), "rm -rf '%s'", directory);
    return system(command);
}

/* A path in the directory; good until the next but three. */
static const char *in_directory(const char *name) {
    static char paths[4][256];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof(paths[0]), "%s/%s", directory, name);
    return path;
}

static int entries(void) {
    int count = 0;
    DIR *open = opendir(directory);
    assert_non_null(open);
    while (readdir(open) != NULL) {
        count++;
    }
    closedir(open);
    return count - 2; /* . and .. */
}

static void assert_content(const char *path, struct slice expected) {
    struct err err = {0};
    struct buf buf;
    buf_init(&buf, 1 << 20);
    if (!file_read(path, &buf, &err)) {
        fail_msg("%s", err.text);
    }
    assert_true(slice_equal(buf_slice(&buf), expected));
    buf_fini(&buf);
}

static unsigned mode_of(const char *path) {
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    return (unsigned)status.st_mode & 07777;
}

static void writes_and_reads_any_bytes(void **state) {
    static char large[100000];
    struct err err = {0};
    const char *path = in_directory("any");
    (void)state;
    for (size_t i = 0; i < sizeof(large); i++) {
        large[i] = (char)(i * 31);
    }
    assert_true(file_write_atomically(path, slice_make(large, sizeof(large)), 0644, &err));
    assert_content(path, slice_make(large, sizeof(large)));
    assert_true(file_write_atomically(path, SLICE_EMPTY, 0644, &err));
    assert_content(path, SLICE_EMPTY);
    assert_int_equal(entries(), 1);
}

static void replaces_the_file_and_leaves_an_open_one_whole(void **state) {
    struct err err = {0};
    const char *path = in_directory("replaced");
    char text[8] = "";
    (void)state;
    assert_true(file_write_atomically(path, SLICE("old"), 0600, &err));
    int fd = open(path, O_RDONLY);
    assert_true(file_write_atomically(path, SLICE("newer"), 0600, &err));
    assert_int_equal(read(fd, text, sizeof(text)), 3);
    assert_string_equal(text, "old");
    close(fd);
    assert_content(path, SLICE("newer"));
    assert_int_equal(entries(), 1);
}

static void modes_are_exact_whatever_the_umask(void **state) {
    struct err err = {0};
    mode_t old = umask(0);
    (void)state;
    assert_true(file_write_atomically(in_directory("secret"), SLICE("x"), 0600, &err));
    assert_int_equal(mode_of(in_directory("secret")), 0600);
    umask(0077);
    assert_true(file_write_atomically(in_directory("public"), SLICE("x"), 0644, &err));
    assert_int_equal(mode_of(in_directory("public")), 0644);
    assert_true(file_create_once(in_directory("once"), SLICE("x"), 0640, &err));
    assert_int_equal(mode_of(in_directory("once")), 0640);
    umask(old);
}

static void creates_once_and_keeps_what_is_there(void **state) {
    struct err err = {0};
    const char *path = in_directory("once");
    (void)state;
    assert_true(file_create_once(path, SLICE("first"), 0600, &err));
    assert_true(file_create_once(path, SLICE("second"), 0600, &err));
    assert_content(path, SLICE("first"));
    assert_int_equal(entries(), 1);
}

struct racer {
    pthread_t thread;
    pthread_barrier_t *start;
    const char *path;
    char content[4096];
    bool is_done;
};

static void *race(void *argument) {
    struct racer *racer = argument;
    pthread_barrier_wait(racer->start);
    racer->is_done = file_create_once(
        racer->path, slice_make(racer->content, sizeof(racer->content)), 0600, NULL);
    return NULL;
}

/* The temporary name was of the process: two writers, or two containers whose process is number
 * 1, shared it and could truncate what the other had already put in place. */
static void writers_that_race_agree_on_one_whole_content(void **state) {
    enum { RACERS = 4, ROUNDS = 40 };
    static struct racer racers[RACERS];
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        pthread_barrier_t start;
        char path[256], found[5000];
        snprintf(path, sizeof(path), "%s", in_directory("raced"));
        unlink(path);
        pthread_barrier_init(&start, NULL, RACERS);
        for (int i = 0; i < RACERS; i++) {
            racers[i].start = &start;
            racers[i].path = path;
            memset(racers[i].content, 'a' + i, sizeof(racers[i].content));
            assert_int_equal(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
        }
        for (int i = 0; i < RACERS; i++) {
            pthread_join(racers[i].thread, NULL);
            assert_true(racers[i].is_done);
        }
        pthread_barrier_destroy(&start);
        struct buf buf = buf_over(found, sizeof(found));
        assert_true(file_read(path, &buf, NULL));
        assert_int_equal(buf.size, sizeof(racers[0].content));
        assert_true(found[0] >= 'a' && found[0] < 'a' + RACERS);
        assert_memory_equal(found, racers[found[0] - 'a'].content, buf.size);
        assert_int_equal(entries(), 1);
    }
}

static void a_file_beyond_the_limit_is_refused_whole(void **state) {
    struct err err = {0};
    const char *path = in_directory("large");
    char storage[20];
    struct buf buf = buf_over(storage, sizeof(storage));
    (void)state;
    assert_true(file_write_atomically(path, SLICE("0123456789"), 0600, &err));
    assert_true(buf_append(&buf, SLICE("before ")));
    assert_true(file_read(path, &buf, &err));
    assert_true(slice_equal(buf_slice(&buf), SLICE("before 0123456789")));
    assert_false(file_read(path, &buf, &err));
    assert_true(slice_equal(buf_slice(&buf), SLICE("before 0123456789")));
    assert_non_null(strstr(err.text, path));
    assert_non_null(strstr(err.text, "larger than the 20 bytes"));
}

static void reads_regular_files_only_and_never_waits(void **state) {
    struct err err = {0};
    struct buf buf;
    (void)state;
    buf_init(&buf, 1000);
    assert_int_equal(mkfifo(in_directory("fifo"), 0600), 0);
    assert_false(file_read(in_directory("fifo"), &buf, &err));
    assert_non_null(strstr(err.text, "not a regular file"));
    assert_false(file_read(directory, &buf, &err));
    assert_non_null(strstr(err.text, "not a regular file"));
    assert_false(file_read("/dev/zero", &buf, &err));
    assert_non_null(strstr(err.text, "not a regular file"));
    assert_false(file_read(in_directory("absent"), &buf, &err));
    assert_non_null(strstr(err.text, "No such file"));
    assert_int_equal(buf.size, 0);
    buf_fini(&buf);
}

static void failures_to_write_name_the_path_and_leave_nothing(void **state) {
    struct err err = {0};
    char endless[FILE_PATH_MAX + 100];
    (void)state;
    assert_false(file_write_atomically(in_directory("no/where"), SLICE("x"), 0600, &err));
    assert_non_null(strstr(err.text, "no/where"));
    assert_non_null(strstr(err.text, "No such file"));
    assert_false(file_create_once(in_directory("no/where"), SLICE("x"), 0600, &err));
    assert_true(file_make_directory(in_directory("taken/inside"), 0700, &err));
    assert_false(file_write_atomically(in_directory("taken"), SLICE("x"), 0600, &err));
    assert_non_null(strstr(err.text, "rename"));
    assert_int_equal(entries(), 1); /* the temporary file is gone */
    memset(endless, 'a', sizeof(endless) - 1);
    endless[sizeof(endless) - 1] = '\0';
    assert_false(file_write_atomically(endless, SLICE("x"), 0600, &err));
    assert_non_null(strstr(err.text, "too long"));
    assert_false(file_create_once(endless, SLICE("x"), 0600, &err));
    assert_false(file_make_directory(endless, 0700, &err));
}

static void makes_all_directories_of_a_path(void **state) {
    struct err err = {0};
    (void)state;
    assert_true(file_make_directory(in_directory("a/b//c/"), 0750, &err));
    assert_int_equal(mode_of(in_directory("a/b/c")), 0750);
    assert_true(file_make_directory(in_directory("a/b/c"), 0700, &err));
    assert_true(file_make_directory("/", 0700, &err));
    assert_true(file_write_atomically(in_directory("a/file"), SLICE("x"), 0600, &err));
    assert_false(file_make_directory(in_directory("a/file"), 0700, &err));
    assert_non_null(strstr(err.text, "not a directory"));
    assert_false(file_make_directory(in_directory("a/file/b"), 0700, &err));
    assert_false(file_make_directory("", 0700, &err));
}

int main(void) {
#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(writes_and_reads_any_bytes),
        IN_DIRECTORY(replaces_the_file_and_leaves_an_open_one_whole),
        IN_DIRECTORY(modes_are_exact_whatever_the_umask),
        IN_DIRECTORY(creates_once_and_keeps_what_is_there),
        IN_DIRECTORY(writers_that_race_agree_on_one_whole_content),
        IN_DIRECTORY(a_file_beyond_the_limit_is_refused_whole),
        IN_DIRECTORY(reads_regular_files_only_and_never_waits),
        IN_DIRECTORY(failures_to_write_name_the_path_and_leave_nothing),
        IN_DIRECTORY(makes_all_directories_of_a_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
