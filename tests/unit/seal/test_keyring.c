/* Rotating keys: rings of a few members, each changed as a command would, step by step. */
#include "../unit.h"
#include "seal/keyring.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define OLD   "00112233445566778899aabbccddeeffFFEEDDCCBBAA99887766554433221100"
#define NEW   "1111111111111111111111111111111111111111111111111111111111111111"
#define THIRD "2222222222222222222222222222222222222222222222222222222222222222"
#define MORE  "3333333333333333333333333333333333333333333333333333333333333333"

/* A member with its key file. */
struct ringed {
    char file[64];
    struct seal *seal;
    struct buffer problem;
};

static void write_file(const char *name, const char *text) {
    FILE *file = fopen(name, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void start(struct ringed *member, const char *keys) {
    snprintf(member->file, sizeof member->file, "/tmp/trothdb-test-keyring-%d-%p", (int)getpid(),
             (void *)member);
    buffer_init(&member->problem, 1024);
    write_file(member->file, keys);
    assert_int_equal(seal_new_from_file(&member->seal, member->file, "", &member->problem), 0);
}

static void restart(struct ringed *member) {
    seal_free(member->seal);
    assert_int_equal(seal_new_from_file(&member->seal, member->file, "", &member->problem), 0);
}

static void end(struct ringed *member) {
    seal_free(member->seal);
    unlink(member->file);
    buffer_release(&member->problem);
}

static bool hears(struct ringed *receiver, struct ringed *sender) {
    uint8_t sealed[2 + SEAL_EXTRA_BYTES];
    struct bytes opened;
    seal_close(sender->seal, SEAL_DATAGRAM, BYTES_LITERAL("hi"), sealed);
    return seal_open(receiver->seal, SEAL_DATAGRAM, sealed, sizeof sealed, &opened) == 0;
}

static int add(struct ringed *member, const char *key, char id[SEAL_ID_TEXT_BYTES]) {
    buffer_clear(&member->problem);
    return keyring_add(member->seal, bytes_of_text(key), id, &member->problem);
}
static int use(struct ringed *member, const char *id) {
    buffer_clear(&member->problem);
    return keyring_use(member->seal, bytes_of_text(id), &member->problem);
}
static int removed(struct ringed *member, const char *id) {
    buffer_clear(&member->problem);
    return keyring_remove(member->seal, bytes_of_text(id), &member->problem);
}

static const char *sealing_id(struct ringed *member) {
    static struct seal_key_shown shown[SEAL_KEYS_MAXIMUM];
    assert_true(keyring_list(member->seal, shown) > 0);
    assert_true(shown[0].is_sealing);
    return shown[0].id;
}
static unsigned count(struct ringed *member) {
    struct seal_key_shown shown[SEAL_KEYS_MAXIMUM];
    return keyring_list(member->seal, shown);
}

/* Three members pass from one key to the next, one step after the other; at every moment each hears
 * each, and in the end the old key opens nothing. */
static void test_a_rotation_without_a_pause(void **state) {
    (void)state;
    struct ringed members[3], stolen;
    char old[SEAL_ID_TEXT_BYTES], fresh[SEAL_ID_TEXT_BYTES];
    for (unsigned i = 0; i < 3; i++)
        start(&members[i], OLD "\n");
    start(&stolen, OLD "\n");
    memcpy(old, sealing_id(&members[0]), sizeof old);
    for (unsigned step = 0; step < 3; step++)
        for (unsigned i = 0; i < 3; i++) {
            assert_int_equal(step == 0   ? add(&members[i], NEW, fresh)
                             : step == 1 ? use(&members[i], fresh)
                                         : removed(&members[i], old),
                             0);
            restart(&members[i]); /* it has what it had */
            for (unsigned from = 0; from < 3; from++)
                for (unsigned to = 0; to < 3; to++)
                    assert_true(hears(&members[to], &members[from]));
        }
    for (unsigned i = 0; i < 3; i++) {
        assert_string_equal(sealing_id(&members[i]), fresh);
        assert_int_equal(count(&members[i]), 1);
        assert_false(hears(&members[i], &stolen));
        assert_false(hears(&stolen, &members[i]));
        end(&members[i]);
    }
    end(&stolen);
}

/* Every step may be taken again. */
static void test_steps_taken_twice(void **state) {
    (void)state;
    struct ringed member;
    char id[SEAL_ID_TEXT_BYTES], again[SEAL_ID_TEXT_BYTES], old[SEAL_ID_TEXT_BYTES];
    start(&member, OLD);
    memcpy(old, sealing_id(&member), sizeof old);
    assert_int_equal(add(&member, NEW, id), 0);
    assert_int_equal(add(&member, NEW, again), 0);
    assert_string_equal(id, again);
    assert_int_equal(count(&member), 2);
    assert_int_equal(use(&member, id), 0);
    assert_int_equal(use(&member, id), 0);
    assert_int_equal(removed(&member, old), 0);
    assert_int_equal(removed(&member, old), 0);
    assert_int_equal(count(&member), 1);
    end(&member);
}

/* A file with one key on two lines, in letters of either case, is a ring that has it once: removed,
 * it opens nothing any more. */
static void test_a_key_that_stands_twice(void **state) {
    (void)state;
    struct ringed member, stolen;
    char id[SEAL_ID_TEXT_BYTES], old[SEAL_ID_TEXT_BYTES];
    start(&member, "00112233445566778899AABBCCDDEEFFffeeddccbbaa99887766554433221100\n" OLD "\n" NEW
                   "\n" OLD "\n" NEW "\n");
    start(&stolen, OLD);
    memcpy(old, sealing_id(&stolen), sizeof old);
    assert_string_equal(sealing_id(&member), old);
    assert_int_equal(count(&member), 2);
    assert_int_equal(add(&member, NEW, id), 0);
    assert_int_equal(use(&member, id), 0);
    assert_true(hears(&member, &stolen));
    assert_int_equal(removed(&member, old), 0);
    assert_false(hears(&member, &stolen));
    restart(&member);
    assert_false(hears(&member, &stolen));
    end(&member);
    end(&stolen);
}

/* Bad wishes: one sentence each, and the ring as it was. */
static void test_bad_wishes_change_nothing(void **state) {
    (void)state;
    struct ringed member;
    char id[SEAL_ID_TEXT_BYTES], before[SEAL_ID_TEXT_BYTES];
    start(&member, OLD);
    memcpy(before, sealing_id(&member), sizeof before);
    assert_int_equal(add(&member, "", id), ERR_INVALID);
    assert_int_equal(add(&member, "11", id), ERR_INVALID);
    assert_int_equal(add(&member, NEW "1", id), ERR_INVALID);
    assert_int_equal(add(&member, "g" NEW, id), ERR_INVALID);
    assert_int_equal(use(&member, "0123456789abcdef"), ERR_NOT_FOUND);
    assert_int_equal(use(&member, ""), ERR_NOT_FOUND);
    assert_int_equal(use(&member, NEW), ERR_NOT_FOUND);
    assert_int_equal(removed(&member, "everything"), ERR_INVALID);
    assert_int_equal(removed(&member, before), ERR_REFUSED);
    assert_true(member.problem.length > 0);
    assert_int_equal(add(&member, NEW, id), 0);
    assert_int_equal(add(&member, THIRD, id), 0);
    assert_int_equal(add(&member, MORE, id), ERR_LIMIT);
    assert_int_equal(count(&member), 3);
    assert_string_equal(sealing_id(&member), before);
    end(&member);
}

/* A key can be sent sealed with the one that is in use: who listens learns nothing, and a member
 * that has not the key cannot be given one so. */
static void test_a_key_that_is_sent_sealed(void **state) {
    (void)state;
    struct ringed member, stranger;
    struct seal_key fresh;
    char text[SEAL_FRESH_KEY_TEXT_BYTES], id[SEAL_ID_TEXT_BYTES], same[SEAL_ID_TEXT_BYTES];
    memset(&fresh, 0x11, sizeof fresh);
    start(&member, OLD);
    start(&stranger, THIRD);
    keyring_wrap(member.seal, &fresh, text);
    assert_int_equal(strlen(text), 144);
    assert_null(strstr(text, "1111111111111111"));
    assert_int_equal(add(&member, text, id), 0);
    assert_int_equal(add(&member, NEW, same), 0);
    assert_string_equal(id, same);
    assert_int_equal(count(&member), 2);
    assert_int_equal(add(&stranger, text, id), ERR_INVALID);
    assert_int_equal(count(&stranger), 1);
    end(&member);
    end(&stranger);
}

/* The file is written whole and for its owner only; where it cannot be written the ring stays. */
static void test_the_file_comes_first(void **state) {
    (void)state;
    struct ringed member;
    struct stat found;
    char id[SEAL_ID_TEXT_BYTES];
    start(&member, OLD);
    assert_int_equal(chmod(member.file, 0644), 0);
    assert_int_equal(add(&member, NEW, id), 0);
    assert_int_equal(stat(member.file, &found), 0);
    assert_int_equal(found.st_mode & 07777, 0600);
    assert_int_equal(found.st_size, 130);
    char blocked[80]; /* where the fresh file would be written stands a folder */
    snprintf(blocked, sizeof blocked, "%s.new", member.file);
    assert_int_equal(mkdir(blocked, 0700), 0);
    assert_int_equal(add(&member, THIRD, id), ERR_IO);
    assert_int_equal(count(&member), 2);
    assert_int_equal(rmdir(blocked), 0);
    restart(&member);
    assert_int_equal(count(&member), 2);
    end(&member);
}

/* While one thread passes from key to key, others seal and open: what was sealed with the ring as
 * it is, or as it was one step ago, opens. */
enum { CHANGES = 100, THREADS = 2 };

struct busy {
    struct seal *seal;
    pthread_t thread;
    atomic_bool is_over;
    atomic_uint turns, refused;
};

static void *seal_and_open(void *argument) {
    struct busy *busy = argument;
    uint8_t sealed[5 + SEAL_EXTRA_BYTES];
    struct bytes opened;
    while (!atomic_load(&busy->is_over)) {
        seal_close(busy->seal, SEAL_DATAGRAM, BYTES_LITERAL("hello"), sealed);
        if (seal_open(busy->seal, SEAL_DATAGRAM, sealed, sizeof sealed, &opened) != 0)
            atomic_fetch_add(&busy->refused, 1);
        atomic_fetch_add(&busy->turns, 1);
    }
    return NULL;
}

/* Until each has opened what it had under way, and sealed anew. */
static void wait_for_turns(struct busy busy[THREADS]) {
    for (unsigned i = 0; i < THREADS; i++) {
        unsigned before = atomic_load(&busy[i].turns);
        while (atomic_load(&busy[i].turns) < before + 2)
            sched_yield();
    }
}

static void test_threads_seal_while_keys_change(void **state) {
    (void)state;
    struct seal *seal = seal_new(&(struct seal_key){{1}}, 1, "");
    struct busy busy[THREADS] = {0};
    struct buffer problem;
    char old[SEAL_ID_TEXT_BYTES], fresh[SEAL_ID_TEXT_BYTES], text[SEAL_FRESH_KEY_TEXT_BYTES];
    buffer_init(&problem, 1024);
    keyring_id(&(struct seal_key){{1}}, old);
    for (unsigned i = 0; i < THREADS; i++) {
        busy[i].seal = seal;
        assert_int_equal(pthread_create(&busy[i].thread, NULL, seal_and_open, &busy[i]), 0);
    }
    for (unsigned i = 0; i < CHANGES; i++) {
        struct seal_key key;
        keyring_make(&key);
        keyring_wrap(seal, &key, text);
        assert_int_equal(keyring_add(seal, bytes_of_text(text), fresh, &problem), 0);
        assert_int_equal(keyring_use(seal, bytes_of_text(fresh), &problem), 0);
        wait_for_turns(busy);
        assert_int_equal(keyring_remove(seal, bytes_of_text(old), &problem), 0);
        memcpy(old, fresh, sizeof old);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        atomic_store(&busy[i].is_over, true);
        assert_int_equal(pthread_join(busy[i].thread, NULL), 0);
        assert_int_equal(atomic_load(&busy[i].refused), 0);
    }
    seal_free(seal);
    buffer_release(&problem);
}

RUN_TESTS(cmocka_unit_test(test_a_rotation_without_a_pause),
          cmocka_unit_test(test_steps_taken_twice), cmocka_unit_test(test_a_key_that_stands_twice),
          cmocka_unit_test(test_bad_wishes_change_nothing),
          cmocka_unit_test(test_a_key_that_is_sent_sealed),
          cmocka_unit_test(test_the_file_comes_first),
          cmocka_unit_test(test_threads_seal_while_keys_change))
