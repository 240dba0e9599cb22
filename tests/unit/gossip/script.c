/* Runs the scripts of tests/script/gossip: a script is paragraphs of commands, each followed by a
 * line ---- and what is printed.
 *
 *     gossip_script FILE...             fails where something else is printed
 *     gossip_script --rewrite FILE...   writes what is printed as the expectation; review it
 *
 *     cluster N                N nodes that have node 1 as their seed
 *     node                     one more, without seeds
 *     seed A B                 node A gets the address of B as a seed
 *     run 2s                   time passes (us, ms, s, m, h)
 *     cut A B, cut A>B         both ways, one way
 *     split N                  1..N from the rest
 *     heal                     no cuts any more
 *     streams on               tries by stream get through every cut
 *     loss P, repeat P         of the datagrams, in percent
 *     delay 5ms 40ms           least and most of a datagram
 *     kill A, start A          start is a new life: its generation is one higher
 *     move A 10.9.9.9          its address from the next start on
 *     name A NAME              its name from the next start on
 *     generation A G           its generation at the next start
 *     stop A, resume A         as by SIGSTOP and SIGCONT
 *     leave A
 *     contact A B              A heard B by another plane (Raft) just now
 *     set A KEY VALUE, remove A KEY
 *     show                     how each node sees each
 *     show KEY                 who knows which value of whom
 *     watch A | all            changes are printed as they happen
 *     sealed                   nodes that start from now on tell repeated datagrams apart
 *     record, replay           whatever is sent; once more, to those it was for
 *     spoil                    the same without their last byte
 *     release old, new         nodes that start from now on read version 0 of the wire only, or all
 *     copy A                   one more, started from a copy of A's directory
 *     zone A NAME              A says so
 *     clock A 3h, clock A -3h  how far A's wall clock is ahead of the world's
 *     clocks A                 how far ahead of its own A has found the others' to be
 *     bandwidth N              bytes a second of nodes that start from now on
 *     coordinates              which nodes that start from now on say
 *     rtt A B C                what A believes of the way from B to C and back
 *     counters A               what it counted
 */
#include "base/buffer.h"
#include "base/memory.h"
#include "world.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { FILE_MAXIMUM_BYTES = 1 << 20, WORD_MAXIMUM = 4 };

struct script {
    struct world *world;
    struct buffer out; /* of this paragraph */
    bool is_watched[WORLD_NODE_MAXIMUM + 1];
    const char *words[WORD_MAXIMUM];
    unsigned word_count;
    bool is_wrong; /* a command could not be understood */
};

/* Printing. */

static unsigned number_of(const struct script *script, const struct gossip_member *member) {
    for (unsigned i = 1; i <= script->world->count; i++)
        if (memcmp(script->world->nodes[i].uuid, member->who->uuid, GOSSIP_UUID_BYTES) == 0)
            return i;
    return 0;
}

static void print_change(void *context, struct world_node *node,
                         const struct gossip_change *change) {
    struct script *script = context;
    if (!script->is_watched[node->number])
        return;
    const struct gossip_member *member = change->member;
    uint64_t now_ms = script->world->now_us / 1000 - 1000;
    buffer_append_format(&script->out, "%" PRIu64 ".%03" PRIu64 " node %u: ", now_ms / 1000,
                         now_ms % 1000, node->number);
    unsigned subject = number_of(script, member);
    struct bytes value;
    switch (change->kind) {
    case GOSSIP_CHANGE_JOINED:
        buffer_append_format(&script->out, "%u joined, generation %" PRIu64 "\n", subject,
                             member->who->generation);
        return;
    case GOSSIP_CHANGE_STATE:
        buffer_append_format(&script->out, "%u is %s, incarnation %" PRIu64 "\n", subject,
                             gossip_state_text(member->state), member->who->incarnation);
        return;
    case GOSSIP_CHANGE_ADDRESS:
        buffer_append_format(&script->out, "%u is at %s:%u\n", subject, member->who->address.host,
                             (unsigned)member->who->address.port);
        return;
    case GOSSIP_CHANGE_NAME_CONFLICT:
        buffer_append_format(&script->out, "%u has the same name: %s\n", subject,
                             member->who->name);
        return;
    case GOSSIP_CHANGE_KEY:
        value = gossip_get(node->gossip, member, change->key);
        buffer_append_format(&script->out, "%u says %.*s %s%.*s\n", subject,
                             BYTES_PRINT(change->key), value.length ? "is " : "is gone",
                             BYTES_PRINT(value));
        return;
    }
}

static void show_members(struct script *script) {
    struct world *world = script->world;
    for (unsigned i = 1; i <= world->count; i++) {
        if (world->nodes[i].gossip == NULL)
            continue;
        buffer_append_format(&script->out, "%u:", i);
        for (unsigned j = 1; j <= world->count; j++) {
            const struct gossip_member *member = world_view(world, i, j);
            if (member == NULL)
                continue;
            buffer_append_format(&script->out, " %u %s", j, gossip_state_text(member->state));
            if (member->who->generation > 1)
                buffer_append_format(&script->out, " (generation %" PRIu64 ")",
                                     member->who->generation);
            buffer_append_text(&script->out, j < world->count ? "," : "");
        }
        if (script->out.length > 0 && buffer_data(&script->out)[script->out.length - 1] == ',')
            buffer_truncate(&script->out, script->out.length - 1);
        buffer_append_text(&script->out, "\n");
    }
}

static void show_key(struct script *script, const char *key) {
    struct world *world = script->world;
    for (unsigned i = 1; i <= world->count; i++)
        for (unsigned j = 1; j <= world->count; j++) {
            struct bytes value = world_value(world, i, j, key);
            if (value.length > 0)
                buffer_append_format(&script->out, "%u knows that %u says %s is %.*s\n", i, j, key,
                                     BYTES_PRINT(value));
        }
}

static void show_counters(struct script *script, unsigned number) {
    struct gossip_counters counters;
    gossip_counters(script->world->nodes[number].gossip, &counters);
    buffer_append_format(&script->out,
                         "probes failed %" PRIu64 ", suspicions %" PRIu64 ", refutations %" PRIu64
                         ", deaths %" PRIu64 ", malformed %" PRIu64 ", local health %u\n",
                         counters.probes_failed, counters.suspicions, counters.refutations,
                         counters.deaths, counters.malformed, counters.local_health);
    const uint64_t *asked = counters.streams_asked, *served = counters.streams_served;
    if (asked[GOSSIP_STREAM_DONE] + asked[GOSSIP_STREAM_BUSY] + asked[GOSSIP_STREAM_FAILED] > 0)
        buffer_append_format(
            &script->out,
            "streams asked for: %" PRIu64 " done, %" PRIu64 " busy, %" PRIu64 " failed\n",
            asked[GOSSIP_STREAM_DONE], asked[GOSSIP_STREAM_BUSY], asked[GOSSIP_STREAM_FAILED]);
    if (served[GOSSIP_STREAM_DONE] + served[GOSSIP_STREAM_BUSY] + served[GOSSIP_STREAM_FAILED] > 0)
        buffer_append_format(
            &script->out,
            "streams served: %" PRIu64 " done, %" PRIu64 " busy, %" PRIu64 " failed\n",
            served[GOSSIP_STREAM_DONE], served[GOSSIP_STREAM_BUSY], served[GOSSIP_STREAM_FAILED]);
    if (counters.identity_conflicts > 0)
        buffer_append_text(&script->out, "has met another of its identity\n");
    if (counters.referrals > 0)
        buffer_append_format(&script->out, "referred %" PRIu64 "\n", counters.referrals);
    if (counters.replayed > 0)
        buffer_append_format(&script->out, "replayed %" PRIu64 "\n", counters.replayed);
    if (counters.unproven > 0)
        buffer_append_format(&script->out, "unproven %" PRIu64 ", answered %" PRIu64 "\n",
                             counters.unproven, counters.unproven_answered);
}

/* Commands. */

static void complain(struct script *script) {
    buffer_append_format(&script->out, "not understood: %s\n", script->words[0]);
    script->is_wrong = true;
}

static uint64_t duration_us(struct script *script, const char *word) {
    static const struct {
        const char *name;
        uint64_t us;
    } units[] = {{"us", 1}, {"ms", 1000}, {"s", 1000000}, {"m", 60000000}, {"h", 3600000000}};
    char *unit;
    uint64_t count = strtoull(word ? word : "", &unit, 10);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(unit, units[i].name) == 0)
            return count * units[i].us;
    complain(script);
    return 0;
}

/* The node that a word names; must be there, and run if `must_run`. 0 with a complaint if not. */
static unsigned node_of(struct script *script, const char *word, bool must_run) {
    unsigned number = word ? (unsigned)strtoul(word, NULL, 10) : 0;
    bool is_there = number >= 1 && number <= script->world->count;
    if (is_there && (script->world->nodes[number].gossip != NULL) >= must_run)
        return number;
    complain(script);
    return 0;
}

static void command_cluster(struct script *script) {
    world_add_cluster(script->world, (unsigned)strtoul(script->words[1], NULL, 10));
}
static void command_node(struct script *script) { world_add(script->world); }
static void command_seed(struct script *script) {
    unsigned node = node_of(script, script->words[1], true),
             seed = node_of(script, script->words[2], false);
    if (node && seed)
        world_seed(script->world, node, seed);
}
static void command_run(struct script *script) {
    world_run(script->world, duration_us(script, script->words[1]));
}
static void command_cut(struct script *script) {
    const char *arrow = strchr(script->words[1], '>');
    unsigned from = node_of(script, script->words[1], false);
    unsigned to = node_of(script, arrow ? arrow + 1 : script->words[2], false);
    if (from == 0 || to == 0)
        return;
    world_cut(script->world, from, to);
    if (arrow == NULL)
        world_cut(script->world, to, from);
}
static void command_split(struct script *script) {
    world_split(script->world, (unsigned)strtoul(script->words[1], NULL, 10));
}
static void command_heal(struct script *script) { world_heal(script->world); }
static void command_streams(struct script *script) {
    script->world->has_streams = strcmp(script->words[1], "on") == 0;
}
/* Differences of so many bytes and more, of nodes that start from here on. */
static void command_large_streams(struct script *script) {
    script->world->timing.stream_min_bytes = strtoul(script->words[1], NULL, 10);
    script->world->has_large_streams = script->world->timing.stream_min_bytes > 0;
}
/* A node says so many keys, of values that nobody could shorten much. */
static void command_fill(struct script *script) {
    unsigned node = node_of(script, script->words[1], true);
    unsigned count = (unsigned)strtoul(script->words[2], NULL, 10);
    char key[16], value[200];
    for (unsigned i = 0; node && i < count; i++) {
        snprintf(key, sizeof key, "k%u", i);
        for (size_t at = 0; at + 1 < sizeof value; at++)
            value[at] = (char)('!' + random_below(&script->world->random, 90));
        value[sizeof value - 1] = 0;
        world_set(script->world, node, key, value);
    }
}
static void command_loss(struct script *script) {
    script->world->loss = atof(script->words[1]) / 100;
}
static void command_repeat(struct script *script) {
    script->world->repeats = atof(script->words[1]) / 100;
}
static void command_delay(struct script *script) {
    script->world->shortest_us = duration_us(script, script->words[1]);
    script->world->longest_us = duration_us(script, script->words[2]);
}
static void command_kill(struct script *script) {
    unsigned node = node_of(script, script->words[1], true);
    if (node)
        world_kill(script->world, node);
}
static void command_start(struct script *script) {
    unsigned node = node_of(script, script->words[1], false);
    if (node)
        world_start(script->world, node);
}
static void command_move(struct script *script) {
    unsigned node = node_of(script, script->words[1], false);
    if (node)
        snprintf(script->world->nodes[node].address.host, GOSSIP_HOST_MAXIMUM, "%s",
                 script->words[2]);
}
static void command_name(struct script *script) {
    unsigned node = node_of(script, script->words[1], false);
    if (node)
        snprintf(script->world->nodes[node].name, sizeof script->world->nodes[node].name, "%s",
                 script->words[2]);
}
static void command_generation(struct script *script) {
    unsigned node = node_of(script, script->words[1], false);
    if (node)
        script->world->nodes[node].generation = strtoull(script->words[2], NULL, 10) - 1;
}
static void command_stop(struct script *script) {
    unsigned node = node_of(script, script->words[1], true);
    if (node)
        world_stop(script->world, node);
}
static void command_resume(struct script *script) {
    unsigned node = node_of(script, script->words[1], true);
    if (node)
        world_resume(script->world, node);
}
static void command_leave(struct script *script) {
    unsigned node = node_of(script, script->words[1], true);
    if (node)
        world_leave(script->world, node);
}
static void command_contact(struct script *script) {
    unsigned node = node_of(script, script->words[1], true);
    unsigned other = node_of(script, script->words[2], false);
    if (node && other)
        world_contact(script->world, node, other);
}
static void command_set(struct script *script) {
    unsigned node = node_of(script, script->words[1], true);
    if (node)
        world_set(script->world, node, script->words[2], script->words[3]);
}
static void command_remove(struct script *script) {
    unsigned node = node_of(script, script->words[1], true);
    if (node)
        world_set(script->world, node, script->words[2], "");
}
static void command_show(struct script *script) {
    if (script->word_count > 1)
        show_key(script, script->words[1]);
    else
        show_members(script);
}
static void command_watch(struct script *script) {
    bool is_all = strcmp(script->words[1], "all") == 0;
    unsigned node = (unsigned)strtoul(script->words[1], NULL, 10); /* may come later */
    for (unsigned i = 1; i <= WORLD_NODE_MAXIMUM; i++)
        script->is_watched[i] |= is_all || i == node;
}
static void command_counters(struct script *script) {
    unsigned node = node_of(script, script->words[1], true);
    if (node)
        show_counters(script, node);
}
/* How much of what the others say a node knows. */
static void command_knows(struct script *script) {
    struct world *world = script->world;
    unsigned node = node_of(script, script->words[1], true);
    unsigned known = 0, said = 0;
    for (unsigned other = 1; node && other <= world->count; other++)
        if (other != node && world->nodes[other].gossip != NULL) {
            said += world_key_count(world, other, other);
            known += world_key_count(world, node, other);
        }
    buffer_append_format(&script->out, "%u knows %u of %u keys\n", node, known, said);
}

static void command_release(struct script *script) {
    bool is_old = strcmp(script->words[1], "old") == 0;
    if (!is_old && strcmp(script->words[1], "new") != 0)
        complain(script);
    script->world->is_next_old = is_old;
}
/* Started as often as A was. */
static void command_copy(struct script *script) {
    struct world *world = script->world;
    unsigned of = node_of(script, script->words[1], true);
    if (of == 0)
        return;
    struct world_node *copy = world_add(world);
    world_kill(world, copy->number);
    memcpy(copy->uuid, world->nodes[of].uuid, sizeof copy->uuid);
    copy->generation = world->nodes[of].generation - 1;
    world_start(world, copy->number);
}
static void command_zone(struct script *script) {
    unsigned node = node_of(script, script->words[1], true);
    if (node)
        world_set_class(script->world, node, GOSSIP_KEY_ZONE, script->words[2], GOSSIP_CLUSTER);
}
static void command_clock(struct script *script) {
    unsigned node = node_of(script, script->words[1], false);
    bool is_behind = script->words[2][0] == '-';
    int64_t by_us = (int64_t)duration_us(script, script->words[2] + is_behind);
    if (node)
        script->world->nodes[node].wall_offset_us = is_behind ? -by_us : by_us;
}
/* To the second: what is less is the error of measuring. */
static void command_clocks(struct script *script) {
    struct world *world = script->world;
    unsigned node = node_of(script, script->words[1], true);
    for (unsigned other = 1; node && other <= world->count; other++) {
        const struct gossip_member *member = world_view(world, node, other);
        if (other == node || member == NULL || member->contact->clock_error_us == 0)
            continue;
        int64_t half_us = member->contact->clock_offset_us < 0 ? -500000 : 500000;
        buffer_append_format(&script->out, "%u finds the clock of %u ahead by %" PRId64 " s\n",
                             node, other, (member->contact->clock_offset_us + half_us) / 1000000);
    }
}
static void command_bandwidth(struct script *script) {
    script->world->timing.bytes_per_second = strtoull(script->words[1], NULL, 10);
}
static void command_coordinates(struct script *script) {
    script->world->timing.says_coordinate = true;
}
static void command_rtt(struct script *script) {
    struct world *world = script->world;
    unsigned node = node_of(script, script->words[1], true),
             from = node_of(script, script->words[2], false),
             to = node_of(script, script->words[3], false);
    uint64_t round_trip_us;
    if (node == 0 || from == 0 || to == 0)
        return;
    if (gossip_round_trip_us(world->nodes[node].gossip, world_view(world, node, from),
                             world_view(world, node, to), &round_trip_us))
        buffer_append_format(&script->out, "%u believes that %u and %u are %" PRIu64 " ms apart\n",
                             node, from, to, (round_trip_us + 500) / 1000);
    else
        buffer_append_format(&script->out, "%u does not know how far %u and %u are apart\n", node,
                             from, to);
}

static void command_sealed(struct script *script) { script->world->is_sealed = true; }
static void command_record(struct script *script) { world_record(script->world); }
static void command_replay(struct script *script) { world_replay(script->world, 0); }
static void command_spoil(struct script *script) { world_replay(script->world, 1); }

static const struct {
    const char *name;
    unsigned least_words, most_words;
    void (*run)(struct script *script);
} commands[] = {
    {"cluster", 2, 2, command_cluster},
    {"node", 1, 1, command_node},
    {"seed", 3, 3, command_seed},
    {"run", 2, 2, command_run},
    {"cut", 2, 3, command_cut},
    {"split", 2, 2, command_split},
    {"heal", 1, 1, command_heal},
    {"loss", 2, 2, command_loss},
    {"repeat", 2, 2, command_repeat},
    {"delay", 3, 3, command_delay},
    {"kill", 2, 2, command_kill},
    {"start", 2, 2, command_start},
    {"move", 3, 3, command_move},
    {"stop", 2, 2, command_stop},
    {"resume", 2, 2, command_resume},
    {"leave", 2, 2, command_leave},
    {"set", 4, 4, command_set},
    {"remove", 3, 3, command_remove},
    {"show", 1, 2, command_show},
    {"watch", 2, 2, command_watch},
    {"counters", 2, 2, command_counters},
    {"generation", 3, 3, command_generation},
    {"contact", 3, 3, command_contact},
    {"sealed", 1, 1, command_sealed},
    {"record", 1, 1, command_record},
    {"replay", 1, 1, command_replay},
    {"name", 3, 3, command_name},
    {"streams", 2, 2, command_streams},
    {"fill", 3, 3, command_fill},
    {"large-streams", 2, 2, command_large_streams},
    {"knows", 2, 2, command_knows},
    {"release", 2, 2, command_release},
    {"copy", 2, 2, command_copy},
    {"zone", 3, 3, command_zone},
    {"clock", 3, 3, command_clock},
    {"clocks", 2, 2, command_clocks},
    {"bandwidth", 2, 2, command_bandwidth},
    {"coordinates", 1, 1, command_coordinates},
    {"rtt", 4, 4, command_rtt},
    {"spoil", 1, 1, command_spoil},
};

static void run_command(struct script *script, char *line) {
    script->word_count = 0;
    char *rest = NULL;
    for (char *word = strtok_r(line, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest))
        if (script->word_count < WORD_MAXIMUM)
            script->words[script->word_count++] = word;
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(commands[i].name, script->words[0]) == 0 &&
            script->word_count >= commands[i].least_words &&
            script->word_count <= commands[i].most_words) {
            commands[i].run(script);
            return;
        }
    complain(script);
}

/* Files. */

static void end_paragraph(struct script *script, struct buffer *result) {
    if (script->out.length == 0)
        return;
    buffer_append_text(result, "----\n");
    buffer_append_bytes(result, buffer_bytes(&script->out));
    buffer_clear(&script->out);
}

/* Runs the script; `result` becomes the file as it should be. */
static void run_script(struct script *script, char *text, struct buffer *result) {
    bool is_output = false, is_open = false;
    char *next;
    for (char *line = text; line != NULL && *line != 0; line = next) {
        next = strchr(line, '\n');
        if (next != NULL)
            *next++ = 0;
        is_output |= strcmp(line, "----") == 0;
        if (*line == 0) {
            end_paragraph(script, result);
            is_output = is_open = false;
        }
        if (is_output)
            continue;
        buffer_append_format(result, "%s\n", line);
        is_open = true;
        if (*line != 0 && *line != '#')
            run_command(script, line);
    }
    if (is_open)
        end_paragraph(script, result);
}

static int check_result(const char *path, struct bytes before, struct bytes after,
                        bool is_rewriting) {
    if (bytes_equal(before, after))
        return 0;
    if (!is_rewriting) {
        printf("%s: something else is printed now; the whole as it would be rewritten:\n%.*s", path,
               BYTES_PRINT(after));
        return 1;
    }
    FILE *file = fopen(path, "w");
    bool is_written = file != NULL && fwrite(after.data, 1, after.length, file) == after.length;
    if (file == NULL || fclose(file) != 0 || !is_written) {
        printf("%s: cannot be written\n", path);
        return 1;
    }
    printf("%s: rewritten\n", path);
    return 0;
}

static int run_file(const char *path, bool is_rewriting) {
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        printf("%s: cannot be read\n", path);
        return 1;
    }
    char *text = memory_allocate_zeroed(1, FILE_MAXIMUM_BYTES + 1);
    size_t length = fread(text, 1, FILE_MAXIMUM_BYTES, file);
    fclose(file);
    char *before = memory_copy(text, length);
    struct script script = {.world = world_new(1)};
    struct buffer result;
    buffer_init(&script.out, FILE_MAXIMUM_BYTES);
    buffer_init(&result, FILE_MAXIMUM_BYTES);
    script.world->on_change = print_change;
    script.world->context = &script;
    run_script(&script, text, &result);
    int failed = check_result(path, bytes_of(before, length), buffer_bytes(&result), is_rewriting);
    if (script.is_wrong)
        printf("%s: has commands that are not understood\n", path);
    failed |= script.is_wrong;
    world_free(script.world);
    buffer_release(&script.out);
    buffer_release(&result);
    memory_free(before);
    memory_free(text);
    return failed;
}

int main(int count, char **arguments) {
    bool is_rewriting = count > 1 && strcmp(arguments[1], "--rewrite") == 0;
    int failed = 0, ran = 0;
    for (int i = is_rewriting ? 2 : 1; i < count; i++, ran++)
        failed |= run_file(arguments[i], is_rewriting);
    if (ran == 0)
        printf("usage: gossip_script [--rewrite] FILE...\n");
    return failed || ran == 0;
}
