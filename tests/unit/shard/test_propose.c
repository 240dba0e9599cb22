/* What happens to a proposed command, and what its sender hears of it. */
#include "../unit.h"
#include "base/memory.h"
#include "store/wal/wal.h"
#include "world.h"

/* A turn's commands are one entry, and are answered in the order they were proposed. */
static void test_turn_is_one_entry(void **state) {
    (void)state;
    struct world *world = world_led(1);
    raft_index before = raft_last_index(world_raft(world, 1));
    uint64_t tickets[3];
    tickets[0] = world_propose(world, 1, "INCR n");
    tickets[1] = world_propose(world, 1, "INCR n");
    tickets[2] = world_propose(world, 1, "GET n");
    assert_int_equal(world->answer_count, 0);
    world_settle(world);
    assert_int_equal(raft_last_index(world_raft(world, 1)), before + 1);
    assert_int_equal(world->answer_count, 3);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(world->answers[i].ticket, tickets[i]);
    assert_answer(world, tickets[1], "DONE :2|");
    assert_answer(world, tickets[2], "DONE $1|2|");
    assert_int_equal(shard_pending_count(world_shard(world, 1)), 0);
    world_free(world);
}

/* MSET n 0 n 0 ... */
static const char *set_often(char text[4096], unsigned times) {
    strcpy(text, "MSET");
    for (unsigned i = 0; i < times; i++)
        strcat(text, " n 0");
    return text;
}

/* Commands of an entry are decoded in groups; a group ends at the 32nd, or before more than 1024
 * arguments in all, and a command that has more by itself is one. Each is still run once, in its
 * place, on every replica. */
static void test_many_commands_in_their_order(void **state) {
    (void)state;
    struct world *world = world_led(3);
    char text[4096];
    raft_index before = raft_last_index(world_raft(world, 1));
    for (unsigned i = 0; i < 10; i++)
        world_propose(world, 1, "INCR n");
    world_propose(world, 1, set_often(text, 600));
    uint64_t last = 0;
    for (unsigned i = 0; i < 77; i++)
        last = world_propose(world, 1, i % 2 ? "INCRBY m 2" : "INCR n");
    uint64_t half = world_propose(world, 1, set_often(text, 300));
    world_propose(world, 1, "INCR n");
    world_propose(world, 1, text);
    world_propose(world, 1, "INCRBY n 2");
    world_settle(world);
    assert_int_equal(raft_last_index(world_raft(world, 1)), before + 1);
    assert_answer(world, last - 78, "DONE :10|");
    assert_answer(world, last - 77, "DONE +OK|");
    assert_answer(world, last - 45, "DONE :32|");
    assert_answer(world, last, "DONE :39|");
    assert_answer(world, half, "DONE +OK|");
    assert_answer(world, half + 1, "DONE :1|");
    assert_answer(world, half + 2, "DONE +OK|");
    assert_answer(world, half + 3, "DONE :2|");
    world_run(world, 100);
    assert_true(world_is_equal(world));
    world_free(world);
}

static void test_three_replicas_agree(void **state) {
    (void)state;
    struct world *world = world_led(3);
    for (unsigned i = 0; i < 50; i++) {
        assert_int_not_equal(world_propose(world, 1, "INCR n"), 0);
        world_settle(world);
    }
    world_run(world, 100);
    assert_true(world_is_equal(world));
    assert_int_equal(world_try(world, 2, "INCR n"), ERR_NOT_LEADER);
    world_free(world);
}

/* A turn with more commands than an entry holds becomes several. */
static void test_full_batch_goes_at_once(void **state) {
    (void)state;
    struct world *world = world_led(1);
    world->replicas[1].config.batch_bytes = 64;
    raft_index before = raft_last_index(world_raft(world, 1));
    for (unsigned i = 0; i < 20; i++)
        world_propose(world, 1, "INCR n");
    world_settle(world);
    assert_true(raft_last_index(world_raft(world, 1)) >= before + 3);
    assert_answer(world, world->next_ticket - 1, "DONE :20|");
    world_free(world);
}

/* Proposed, never sent: the leader is cut off, the others go on without it. When it hears what
 * stands at its index, the command was not executed and never will be. */
static void test_deposed_not_executed(void **state) {
    (void)state;
    struct world *world = world_led(3);
    world_cut_off(world, 1, true);
    uint64_t lost = world_propose(world, 1, "SET k lost");
    world_settle(world);
    assert_answer(world, lost, "");
    world_elect(world, 2);
    world_propose(world, 2, "SET k kept");
    world_run(world, 100);
    assert_answer(world, lost, "");
    world_let_back(world, 1, 1000);
    assert_answer(world, lost, "NOT_EXECUTED");
    assert_true(world_is_equal(world));
    world_free(world);
}

/* A large entry goes to the disk from where it lies. There it stays until it is written, though
 * meanwhile the log holds another at its index. */
static void test_deposed_while_it_is_written(void **state) {
    (void)state;
    struct world *world = world_led(3);
    char command[2 * WAL_LENT_BYTES] = "SET k ";
    memset(command + strlen(command), 'x', sizeof command - strlen(command) - 1);
    command[sizeof command - 1] = 0;
    world->is_cut[1][2] = world->is_cut[1][3] = true; /* it still hears the others */
    world->replicas[1].is_disk_held = true;
    uint64_t lost = world_propose(world, 1, command);
    world_settle(world);
    raft_index index = raft_last_index(world_raft(world, 1));
    raft_term lost_term = raft_term_at(world_raft(world, 1), index);
    for (unsigned i = 0; i < 100 && raft_term_at(world_raft(world, 1), index) == lost_term; i++)
        world_run(world, 50);
    assert_true(raft_term_at(world_raft(world, 1), index) > lost_term);
    world->replicas[1].is_disk_held = false;
    world_let_back(world, 1, 1000);
    assert_answer(world, lost, "NOT_EXECUTED");
    world_restart(world, 1);
    world_run(world, 1000);
    assert_true(world_is_equal(world));
    world_free(world);
}

/* Others share the log, and their entries are awaited: so long an entry waits for its round. */
static void test_an_entry_waits_for_those_of_others(void **state) {
    (void)state;
    struct world *world = world_led(1);
    world->replicas[1].save_waits_until_us = world->now_us + 3000;
    uint64_t ticket = world_propose(world, 1, "SET k v");
    world->now_us += 2999;
    world_settle(world);
    assert_answer(world, ticket, "");
    world->now_us++;
    world_settle(world);
    assert_answer(world, ticket, "DONE +OK|");
    world_free(world);
}

/* A term and a vote wait for nobody: a leader is found. Its first entry is one like all others. */
static void test_a_vote_waits_for_nobody(void **state) {
    (void)state;
    struct world *world = world_led(3);
    for (raft_node_number i = 1; i <= 3; i++)
        world->replicas[i].save_waits_until_us = UINT64_MAX - 1;
    world_kill(world, 1);
    for (unsigned i = 0; i < 100 && world_leader(world) == 0; i++)
        world_run(world, 50);
    raft_node_number leader = world_leader(world);
    assert_true(leader != 0);
    world_run(world, 1000);
    const struct raft *raft = world_raft(world, leader);
    assert_true(raft_durable_index(raft) < raft_last_index(raft));
    world_free(world);
}

/* The leader goes after its entry reached a follower: under the next leader it commits, and whoever
 * waits at the old one hears that it was done. */
static void test_deposed_done(void **state) {
    (void)state;
    struct world *world = world_led(3);
    world->is_cut[2][1] = world->is_cut[3][1] = true; /* it speaks, and hears nothing */
    uint64_t ticket = world_propose(world, 1, "SET k v");
    world_settle(world);
    assert_answer(world, ticket, "");
    world_cut_off(world, 1, true);
    world_elect(world, 2);
    world_let_back(world, 1, 1000);
    assert_answer(world, ticket, "DONE +OK|");
    assert_true(world_is_equal(world));
    world_free(world);
}

/* Nobody answers for longer than write-timeout-ms: nobody here knows. */
static void test_unknown_after_timeout(void **state) {
    (void)state;
    struct world *world = world_led(3);
    world->replicas[1].config.write_timeout_ms = 400;
    world_cut_off(world, 1, true);
    uint64_t ticket = world_propose(world, 1, "SET k v");
    world_run(world, 300);
    assert_answer(world, ticket, "");
    assert_int_equal(shard_under_way_count(world_shard(world, 1)), 1);
    world_run(world, 300);
    assert_answer(world, ticket, "UNKNOWN");
    assert_int_equal(shard_under_way_count(world_shard(world, 1)), 0);
    world_let_back(world, 1, 2000);
    assert_answer(world, ticket, "UNKNOWN"); /* once */
    assert_int_equal(shard_pending_count(world_shard(world, 1)), 0);
    world_free(world);
}

/* Entries of two leaderships of one replica stand behind each other: none answers for another. */
static void test_two_leaderships(void **state) {
    (void)state;
    struct world *world = world_led(3);
    world_cut_off(world, 1, true);
    uint64_t old[3];
    for (unsigned i = 0; i < 3; i++) {
        old[i] = world_propose(world, 1, "INCR n");
        world_settle(world);
    }
    world_elect(world, 2);
    world_run(world, 1000);
    world_cut_off(world, 1, false);
    /* 2 leads with its no-op alone: it replaces the first of the three, the others are truncated
     * and, for all that 1 knows, may yet be committed by somebody. */
    world_run(world, 50);
    world_elect(world, 1);
    uint64_t fresh = world_propose(world, 1, "INCR n");
    world_run(world, 200);
    assert_answer(world, fresh, "DONE :1|");
    assert_answer(world, old[0], "NOT_EXECUTED");
    assert_string_not_equal(world_answer(world, old[1]), "DONE :2|");
    assert_string_not_equal(world_answer(world, old[2]), "DONE :3|");
    assert_int_equal(shard_pending_count(world_shard(world, 1)), 0);
    assert_true(world_is_equal(world));
    world_free(world);
}

/* What came in the turn in which leadership goes was proposed to nobody; nor does it go along with
 * what comes when this replica leads again. */
static void test_batch_refused_when_deposed(void **state) {
    (void)state;
    struct world *world = world_led(3);
    uint64_t ticket = world_propose(world, 1, "SET k v");
    struct raft_message news = {.kind = RAFT_APPEND,
                                .from = 2,
                                .to = 1,
                                .term = raft_current_term(world_raft(world, 1)) + 1};
    shard_message(world_shard(world, 1), &news);
    assert_answer(world, ticket, "NOT_EXECUTED");
    assert_int_equal(world_try(world, 1, "SET k v"), ERR_NOT_LEADER);
    world_elect(world, 1);
    ticket = world_propose(world, 1, "EXISTS k");
    world_run(world, 100);
    assert_answer(world, ticket, "DONE :0|");
    assert_true(world_is_equal(world));
    world_free(world);
}

/* While leadership is being given away nothing is taken: what comes waits. */
static void test_waits_during_transfer(void **state) {
    (void)state;
    struct world *world = world_led(3);
    world->is_cut[1][2] = true; /* 2 cannot catch up, so the transfer is not over at once */
    world_propose(world, 1, "SET k v");
    world_settle(world);
    shard_transfer(world_shard(world, 1), 2, "asked");
    assert_int_equal(world_try(world, 1, "SET k w"), ERR_BUSY);
    world_settle(world);
    assert_int_equal(world_try(world, 1, "SET k w"), ERR_BUSY);
    world->is_cut[1][2] = false;
    world_run(world, 1000);
    raft_node_number leader = world_leader(world);
    assert_int_not_equal(leader, 0);
    uint64_t ticket = world_propose(world, leader, "GET k");
    world_run(world, 50);
    assert_answer(world, ticket, "DONE $1|v|");
    world_free(world);
}

/* Past uncommitted-bytes the shard is busy, until what it has is committed. */
static void test_back_pressure(void **state) {
    (void)state;
    struct world *world = world_led(3);
    world->replicas[1].config.uncommitted_bytes = 4096;
    world_cut_off(world, 1, true);
    unsigned taken = 0;
    int error = 0;
    while (taken < 1000 &&
           (error = world_try(world, 1, "SET key some-value-of-some-length")) == 0) {
        taken++;
        if (taken % 10 == 0)
            world_settle(world);
    }
    assert_int_equal(error, ERR_BUSY);
    assert_in_range(taken, 80, 140);
    world_let_back(world, 1, 200);
    assert_int_equal(world_leader(world), 1);
    assert_int_equal(world_try(world, 1, "SET k v"), 0);
    world_run(world, 50);
    assert_answer(world, world->next_ticket - 1, "DONE +OK|");
    world_free(world);
}

/* While the last entry is neither durable here nor committed, what comes joins the next one; either
 * of the two ends the wait, so that neither the leader's disk nor its followers alone hold it up.
 */
static void test_gathers_while_awaited(void **state) {
    (void)state;
    struct world *world = world_led(3);
    struct replica *leader = &world->replicas[1];
    raft_index last = raft_last_index(shard_raft(leader->shard));
    leader->is_disk_held = true;
    world_cut_off(world, 1, true);
    for (unsigned turn = 0; turn < 3; turn++) {
        world_propose(world, 1, "INCR k");
        world_settle(world);
    }
    assert_int_equal(raft_last_index(shard_raft(leader->shard)), last + 1);
    leader->is_disk_held = false;
    world_settle(world);
    assert_int_equal(raft_last_index(shard_raft(leader->shard)), last + 2);
    assert_int_equal(raft_commit_index(shard_raft(leader->shard)), last);
    leader->is_disk_held = true;
    world_propose(world, 1, "INCR k");
    world_settle(world);
    world_propose(world, 1, "INCR k");
    world_settle(world);
    assert_int_equal(raft_last_index(shard_raft(leader->shard)), last + 3);
    world_let_back(world, 1, 100);
    assert_int_equal(raft_commit_index(shard_raft(leader->shard)), last + 4);
    assert_answer(world, world->next_ticket - 1, "DONE :5|");
    world_free(world);
}

/* Nothing is durable and nothing is committed, here or for other shards: after a tenth of a second
 * what was gathered is proposed all the same, so that whoever asked hears in time that nobody
 * knows. */
static void test_does_not_gather_for_ever(void **state) {
    (void)state;
    struct world *world = world_led(1);
    struct shard *shard = world_shard(world, 1);
    raft_index last = raft_last_index(shard_raft(shard));
    world->replicas[1].config.write_timeout_ms = 1000;
    world_hold_disks(world, true);
    world_propose(world, 1, "INCR k");
    world_settle(world);
    for (unsigned round = 0; round < 2; round++) {
        uint64_t ticket = world_propose(world, 1, "INCR k");
        world_run(world, 95);
        assert_int_equal(raft_last_index(shard_raft(shard)), last + 1 + round);
        world_run(world, 10);
        assert_int_equal(raft_last_index(shard_raft(shard)), last + 2 + round);
        assert_answer(world, ticket, "");
        world->replicas[1].company = SHARD_HELD;
    }
    world_run(world, 1100);
    assert_answer(world, world->next_ticket - 1, "UNKNOWN");
    world_free(world);
}

static void propose_some(struct world *world, unsigned count) {
    for (unsigned i = 0; i < count; i++)
        world_propose(world, 1, "INCR k");
    world_settle(world);
}

/* An entry of `count` commands that is on the leader's disk after save_us, and on no other. */
static void propose_and_save(struct world *world, unsigned count, uint64_t save_us) {
    world_hold_disks(world, true);
    propose_some(world, count);
    world->now_us += save_us;
    world->replicas[1].is_disk_held = false;
    world_settle(world);
}

/* A leader that has seen for a while how long its own disk takes, and how long a commit. */
static struct world *world_that_takes(uint64_t save_us, uint64_t commit_us) {
    struct world *world = world_led(3);
    for (unsigned i = 0; i < 40; i++) {
        propose_and_save(world, 1, save_us);
        world->now_us += commit_us - save_us;
        world_hold_disks(world, false);
        world_settle(world);
    }
    return world;
}

/* Where many ask and the followers are as near as the disk, what comes waits for the commit of the
 * entry before it, and goes as one. */
static void test_small_batch_waits_for_commit(void **state) {
    (void)state;
    struct world *world = world_that_takes(1000, 2000);
    raft_index last = raft_last_index(world_raft(world, 1));
    propose_and_save(world, 4, 1000);
    propose_some(world, 1);
    propose_some(world, 1);
    assert_int_equal(raft_last_index(world_raft(world, 1)), last + 1);
    world_hold_disks(world, false);
    world_settle(world);
    assert_int_equal(raft_last_index(world_raft(world, 1)), last + 2);
    assert_answer(world, world->next_ticket - 1, "DONE :46|");
    world_free(world);
}

/* It waits for a commit that is late no longer than twice the time that commits take. */
static void test_batch_does_not_wait_for_late_commit(void **state) {
    (void)state;
    struct world *world = world_that_takes(1000, 2000);
    raft_index last = raft_last_index(world_raft(world, 1));
    propose_and_save(world, 4, 1000);
    propose_some(world, 1);
    uint64_t due_us = shard_batch_due_us(world_shard(world, 1));
    assert_in_range(due_us, world->now_us + 2500, world->now_us + 3000);
    world->now_us = due_us - 1;
    world_settle(world);
    assert_int_equal(raft_last_index(world_raft(world, 1)), last + 1);
    world->now_us = due_us;
    world_settle(world);
    assert_int_equal(raft_last_index(world_raft(world, 1)), last + 2);
    assert_true(shard_batch_due_us(world_shard(world, 1)) == UINT64_MAX);
    world_free(world);
}

/* Does one more command wait, once an entry of `count` commands is on the leader's disk? */
static bool waits_behind(struct world *world, unsigned count, const char *command) {
    propose_and_save(world, count, 1000);
    raft_index last = raft_last_index(world_raft(world, 1));
    world_propose(world, 1, command);
    world_settle(world);
    bool is_waiting = raft_last_index(world_raft(world, 1)) == last;
    world_hold_disks(world, false);
    world_run(world, 20);
    return is_waiting;
}

/* Far followers, a few clients, company of other shards, long batches, commands that are answered
 * before the disk: none of them waits for a commit. */
static void test_who_does_not_wait_for_commit(void **state) {
    (void)state;
    struct world *far = world_that_takes(1000, 4000);
    assert_false(waits_behind(far, 4, "INCR k"));
    world_free(far);
    struct world *world = world_that_takes(1000, 2000);
    assert_true(waits_behind(world, 4, "INCR k"));
    assert_false(waits_behind(world, 3, "INCR k"));
    world->replicas[1].company = SHARD_AMONG;
    assert_false(waits_behind(world, 4, "INCR k"));
    world->replicas[1].company = SHARD_ALONE;
    char *set = memory_allocate_zeroed(1, (64 << 10) + 16);
    memset(set, 'v', (64 << 10) + 15);
    memcpy(set, "SET k ", 6);
    assert_false(waits_behind(world, 4, set));
    set[60 << 10] = '\0';
    assert_true(waits_behind(world, 4, set));
    memory_free(set);
    propose_and_save(world, 4, 1000);
    raft_index last = raft_last_index(world_raft(world, 1));
    world_propose_async(world, 1, "INCR k");
    world_settle(world);
    assert_int_equal(raft_last_index(world_raft(world, 1)), last + 1);
    world_free(world);
}

/* The owner holds a batch back because the log works for other shards: it goes when it is let go,
 * as one entry, and commands that are answered before the disk do not wait for other shards. */
static void test_held_by_owner(void **state) {
    (void)state;
    struct world *world = world_led(3);
    struct replica *leader = &world->replicas[1];
    raft_index last = raft_last_index(shard_raft(leader->shard));
    leader->company = SHARD_HELD;
    for (unsigned turn = 0; turn < 3; turn++) {
        world_propose(world, 1, "INCR k");
        world_settle(world);
    }
    assert_int_equal(raft_last_index(shard_raft(leader->shard)), last);
    assert_true(shard_batch_count(leader->shard) > 0);
    leader->company = SHARD_AMONG;
    world_run(world, 50);
    assert_int_equal(raft_last_index(shard_raft(leader->shard)), last + 1);
    assert_answer(world, world->next_ticket - 1, "DONE :3|");
    leader->company = SHARD_HELD;
    struct shard_waiter waiter = {
        .target = world, .ticket = world->next_ticket++, .protocol = 2, .is_async = true};
    struct bytes command[] = {BYTES_LITERAL("INCR"), BYTES_LITERAL("k")};
    assert_int_equal(shard_propose(leader->shard, command, 2, waiter), 0);
    world_settle(world);
    assert_int_equal(raft_last_index(shard_raft(leader->shard)), last + 2);
    world_free(world);
}

/* What fits into no message between nodes is refused before it is proposed; what fits into none
 * together becomes several entries. */
static void test_long_commands(void **state) {
    (void)state;
    struct world *world = world_led(1);
    struct shard *shard = world_shard(world, 1);
    enum { VALUE_BYTES = 33 << 20 };
    uint8_t *value = memory_allocate_zeroed(1, VALUE_BYTES);
    struct bytes set[] = {BYTES_LITERAL("SET"), BYTES_LITERAL("k"), bytes_of(value, VALUE_BYTES)};
    struct shard_waiter waiter = {.target = world, .ticket = world->next_ticket++, .protocol = 2};
    set[2].length = SHARD_COMMAND_BYTES_MAXIMUM;
    assert_int_equal(shard_propose(shard, set, 3, waiter), ERR_LIMIT);
    assert_int_equal(shard_pending_count(shard), 0);
    set[2].length = VALUE_BYTES;
    raft_index before = raft_last_index(shard_raft(shard));
    world->replicas[1].config.batch_bytes = 64 << 20;
    assert_int_equal(shard_propose(shard, set, 3, waiter), 0);
    assert_int_equal(raft_last_index(shard_raft(shard)), before);
    waiter.ticket = world->next_ticket++;
    assert_int_equal(shard_propose(shard, set, 3, waiter), 0);
    assert_int_equal(raft_last_index(shard_raft(shard)), before + 1);
    world_settle(world);
    assert_answer(world, waiter.ticket, "DONE +OK|");
    assert_int_equal(raft_last_index(shard_raft(shard)), before + 2);
    memory_free(value);
    world_free(world);
}

static void receive(struct world *world, struct bytes payload) {
    const struct raft *raft = world_raft(world, 2);
    struct raft_entry *entry = raft_entry_new(payload.length);
    memcpy(raft_entry_payload_room(entry), payload.data, payload.length);
    raft_index last = raft_last_index(raft);
    raft_entry_seal(entry, raft_current_term(raft), last + 1, RAFT_ENTRY_COMMANDS);
    struct raft_message message = {.kind = RAFT_APPEND,
                                   .from = 1,
                                   .to = 2,
                                   .term = raft_current_term(raft),
                                   .log_index = last,
                                   .log_term = raft_term_at(raft, last),
                                   .entries = &entry,
                                   .entry_count = 1};
    shard_message(world_shard(world, 2), &message);
    raft_entry_drop(entry);
}

/* A peer's entry that cannot be applied is not appended either. */
static void test_unreadable_entry_is_not_appended(void **state) {
    (void)state;
    struct world *world = world_led(3);
    const struct raft *raft = world_raft(world, 2);
    raft_index last = raft_last_index(raft);
    receive(world, BYTES_LITERAL("\1 no command begins like this"));
    receive(world, BYTES_LITERAL(""));
    assert_int_equal(raft_last_index(raft), last);
    assert_true(world_has_logged(world, 2, "append refused: an entry of it cannot be read"));
    receive(world, bytes_of("\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\1\4PING", 27));
    assert_int_equal(raft_last_index(raft), last + 1);
    world_free(world);
}

/* The shard's time is the highest stamp applied, though a later leader's clock is behind. */
static void test_time_never_goes_back(void **state) {
    (void)state;
    struct world *world = world_led(3);
    world->replicas[1].wall_ahead_ms = 50000;
    world_propose(world, 1, "SET k v");
    world_run(world, 100);
    uint64_t time_ms = shard_time_ms(world_shard(world, 2));
    assert_true(time_ms >= world->wall_ms + 50000);
    world_elect(world, 2);
    world_propose(world, 2, "SET k w PX 1000");
    world_run(world, 100);
    assert_true(shard_time_ms(world_shard(world, 2)) >= time_ms);
    uint64_t ticket = world_propose(world, 2, "PTTL k");
    world_settle(world);
    assert_answer(world, ticket, "DONE :913|"); /* seven eighths of the 100 ms are over */
    world_run(world, 50);
    assert_true(world_is_equal(world));
    world_free(world);
}

static uint64_t year_ms(void) { return 365ull * 24 * 3600 * 1000; }

static uint64_t wall_of(const struct world *world) { return world->wall_ms + world->now_us / 1000; }

/* A leader's clock was a year ahead, and the next leader's is right. Keys get their time and lose
 * it again, by being swept, being read and being asked for it; no date is a year away. */
static void test_time_goes_on_behind_a_clock_that_was_wrong(void **state) {
    (void)state;
    struct world *world = world_led(3);
    world->replicas[1].wall_ahead_ms = year_ms();
    world_write(world, 1, "SET k v");
    world_elect(world, 2);
    world_write(world, 2, "SET swept v PX 1000");
    world_run(world, 1400);
    assert_int_equal(keyspace_key_count(world_keyspace(world, 3)), 1);
    world->replicas[2].config.expire_interval_ms = 60000;
    world_run(world, 100);
    world_write(world, 2, "SET read v PX 1000");
    world_run(world, 1400);
    uint64_t ticket = world_read(world, 2, "GET read", 0);
    world_settle(world);
    assert_answer(world, ticket, "DONE $-1|");
    struct metrics *metrics = world->replicas[2].metrics;
    assert_true(metric_value(metrics_cell(metrics, METRIC_stamps_ahead_total, NULL)) >= 2);
    assert_true(world_has_logged(world, 2, "the time of this shard is ahead of this node's clock"));
    assert_false(world_has_logged(world, 1, "the time of this shard is ahead"));
    world_free(world);
}

enum { HEARD_LATER_MS = 60 }; /* a follower applies what its leader did long before: a heartbeat */

/* It goes on more slowly than the clocks that it is ahead of, which so catch up. Nothing carries it
 * further, though the lead goes round. */
static void test_time_is_caught_up_with(void **state) {
    (void)state;
    struct world *world = world_led(3);
    world->replicas[1].wall_ahead_ms = 1000;
    world_write(world, 1, "SET k v");
    world->replicas[1].wall_ahead_ms = 0;
    uint64_t begun_ms = world->now_us / 1000;
    for (unsigned i = 1; i < 6; i++) {
        raft_node_number leader = 1 + i % 3;
        world_elect(world, leader);
        world_write(world, leader, "SET k v");
        uint64_t ahead_ms = shard_time_ms(world_shard(world, leader)) - wall_of(world);
        uint64_t left_ms = 1000 - (world->now_us / 1000 - begun_ms) / 8;
        assert_in_range(ahead_ms, left_ms - i * HEARD_LATER_MS, left_ms + 1);
    }
    world_run(world, 8000);
    raft_node_number last = world_leader(world);
    world_write(world, last, "SET k v");
    assert_int_equal(shard_time_ms(world_shard(world, last)), wall_of(world));
    world_free(world);
}

RUN_TESTS(
    cmocka_unit_test(test_turn_is_one_entry), cmocka_unit_test(test_many_commands_in_their_order),
    cmocka_unit_test(test_three_replicas_agree), cmocka_unit_test(test_full_batch_goes_at_once),
    cmocka_unit_test(test_gathers_while_awaited), cmocka_unit_test(test_does_not_gather_for_ever),
    cmocka_unit_test(test_small_batch_waits_for_commit),
    cmocka_unit_test(test_batch_does_not_wait_for_late_commit),
    cmocka_unit_test(test_who_does_not_wait_for_commit), cmocka_unit_test(test_held_by_owner),
    cmocka_unit_test(test_deposed_not_executed), cmocka_unit_test(test_deposed_while_it_is_written),
    cmocka_unit_test(test_deposed_done), cmocka_unit_test(test_an_entry_waits_for_those_of_others),
    cmocka_unit_test(test_a_vote_waits_for_nobody), cmocka_unit_test(test_unknown_after_timeout),
    cmocka_unit_test(test_two_leaderships), cmocka_unit_test(test_batch_refused_when_deposed),
    cmocka_unit_test(test_long_commands), cmocka_unit_test(test_unreadable_entry_is_not_appended),
    cmocka_unit_test(test_waits_during_transfer), cmocka_unit_test(test_back_pressure),
    cmocka_unit_test(test_time_never_goes_back),
    cmocka_unit_test(test_time_goes_on_behind_a_clock_that_was_wrong),
    cmocka_unit_test(test_time_is_caught_up_with))
