#include "world.h"

#include "../store/fake_disk.h"
#include "base/containers/queue.h"
#include "base/memory.h"
#include "io/process.h"
#include "member/gossiper.h"
#include "session/client/session.h"
#include "session/clients.h"
#include "wire/request.h"
#include "worker/leaders.h"
#include "worker/worker.h"

static const uint8_t uuid[16] = {0x10, 0x32, 0x54, 0x76, 0x98, 0xba, 0x4c, 0xfe,
                                 0x80, 1,    2,    3,    4,    5,    6,    7};
static const uint8_t uuid_of_another[16] = {0x10, 0x32};

enum { SETTLE_STEPS = 40, START_STEPS = 3000, ARGUMENTS_MAXIMUM = 64 };

struct post {
    unsigned receiver;
    struct mail *mail;
};

struct place {
    struct world *world;
    unsigned index;
    struct fake_disk *disk;
    struct worker *worker;
};

struct world {
    struct clock clock; /* first: the clock's functions find the world by it */
    struct net net;
    uint64_t now_us, look_us;
    struct fake_disk *node_disk;
    struct config config;
    struct node_shared *shared;
    struct place places[WORLD_WORKER_MAXIMUM];
    unsigned worker_count, gossiper_settings;
    bool are_disks_held, are_members_heard;
    struct gossiper *gossiper; /* alone in its cluster */
    struct queue posts;        /* struct post */
    struct mail *status;       /* the last that the workers gave; or NULL */
    struct client clients[WORLD_CLIENT_MAXIMUM];
    unsigned client_count;
};

/* ---- the outside ---- */

static uint64_t now_us(struct clock *clock) {
    struct world *world = (struct world *)(void *)clock;
    return world->now_us += world->look_us;
}
static uint64_t wall_ms(struct clock *clock) {
    return 1700000000000 + ((struct world *)(void *)clock)->now_us / 1000;
}
static uint64_t wall_us(struct clock *clock) { return wall_ms(clock) * 1000; }

static void peer_set(struct net *net, uint32_t node, const struct net_address *address) {
    (void)net, (void)node, (void)address;
}
static bool peer_send(struct net *net, uint32_t node, struct bytes message) {
    (void)net, (void)node, (void)message;
    return false;
}
static bool peer_link(struct net *net, uint32_t node, struct net_link *link) {
    (void)net, (void)node, (void)link;
    return false;
}

static void datagram_send(struct net *net, const struct net_address *to, struct bytes datagram) {
    (void)net, (void)to, (void)datagram;
}

static void on_output(void *context, struct session *session, void *handle) {
    (void)context;
    struct client *client = handle;
    struct buffer *output = clients_output(session);
    if (!client->is_stuck) {
        buffer_append_bytes(&client->received, buffer_bytes(output));
        buffer_consume(output, output->length);
    }
}
static void on_close(void *context, struct session *session, void *handle) {
    (void)context, (void)session;
    ((struct client *)handle)->is_to_close = true;
}
static void on_pause(void *context, struct session *session, void *handle, bool is_paused) {
    (void)context, (void)session;
    struct client *client = handle;
    client->is_paused = is_paused;
    client->was_paused |= is_paused;
}
static void on_post(void *context, unsigned receiver, struct mail *mail) {
    struct place *place = context;
    struct post *post = queue_push(&place->world->posts);
    *post = (struct post){.receiver = receiver, .mail = mail};
}
/* Mostly the workers hear of no members but by asking: what they would do about them is not looked
 * at then. */
static void on_gossiper_post(void *context, unsigned receiver, struct mail *mail) {
    struct world *world = context;
    if (mail->kind == MAIL_MEMBERS && !world->are_members_heard) {
        mail_free(mail);
        return;
    }
    struct post *post = queue_push(&world->posts);
    *post = (struct post){.receiver = receiver, .mail = mail};
}
static void on_process_facts(struct process_facts *out) {
    *out = (struct process_facts){.system = "a test", .id = 1, .resident_bytes = 1 << 24};
}

static void on_fatal(void *context, const char *what) {
    (void)context;
    fail_msg("the node ended: %s", what);
}

/* ---- time goes on ---- */

static void deliver_mail(struct world *world) {
    while (queue_count(&world->posts)) {
        struct post post = *(struct post *)queue_front(&world->posts);
        queue_pop(&world->posts);
        if (post.receiver == MAIL_TO_GOSSIPER && post.mail->kind == MAIL_STATUS) {
            mail_free(world->status);
            world->status = post.mail;
        } else if (post.receiver == MAIL_TO_GOSSIPER) {
            struct bytes pairs = buffer_bytes(&post.mail->bytes), name, value;
            while (post.mail->kind == MAIL_SETTINGS && mail_next_setting(&pairs, &name, &value))
                world->gossiper_settings++;
            gossiper_mail(world->gossiper, post.mail);
        } else {
            worker_mail(world->places[post.receiver].worker, post.mail);
        }
    }
}

static void feed(struct client *client) {
    while (client->session && !client->is_paused && !client->is_to_close && client->unsent.length) {
        struct worker *worker = client->world->places[client->worker].worker;
        size_t room;
        uint8_t *at = clients_room(worker, client->session, &room);
        size_t length = client->unsent.length < room ? client->unsent.length : room;
        assert_true(at != NULL && length > 0);
        memcpy(at, buffer_data(&client->unsent), length);
        buffer_consume(&client->unsent, length);
        clients_input(worker, client->session, length);
    }
}

static void step(struct world *world) {
    world->now_us += 1000;
    for (unsigned i = 0; i < world->client_count; i++)
        feed(&world->clients[i]);
    for (unsigned i = 0; i < world->worker_count; i++) {
        struct worker *worker = world->places[i].worker;
        if (world->now_us >= worker_deadline_us(worker))
            worker_tick(worker);
        worker_turn_end(worker);
        if (!world->are_disks_held)
            fake_disk_run_all(world->places[i].disk);
    }
    if (world->are_members_heard && world->now_us >= gossiper_deadline_us(world->gossiper))
        gossiper_tick(world->gossiper);
    deliver_mail(world);
    for (unsigned i = 0; i < world->client_count; i++) {
        struct client *client = &world->clients[i];
        if (client->session && client->is_to_close) {
            clients_closed(world->places[client->worker].worker, client->session);
            client->session = NULL;
        }
    }
}

void world_pass_ms(struct world *world, unsigned ms) {
    for (unsigned i = 0; i < ms; i++)
        step(world);
}

void world_slow_down(struct world *world, unsigned look_us) { world->look_us = look_us; }

void world_hold_disks(struct world *world, bool are_held) { world->are_disks_held = are_held; }

void world_fill_disks(struct world *world, bool are_full) {
    for (unsigned i = 0; i < world->worker_count; i++)
        world->places[i].disk->is_full = are_full;
}

void world_settle(struct world *world) { world_pass_ms(world, SETTLE_STEPS); }

/* ---- life ---- */

void world_refuse_files(struct world *world, int error) {
    for (unsigned i = 0; i < world->worker_count; i++)
        world->places[i].disk->no_open = error;
}

static struct fake_disk *disk_new(void) {
    struct fake_disk *disk = memory_allocate_zeroed(1, sizeof *disk);
    fake_disk_init(disk);
    return disk;
}

static void settings_read(struct config *config, const char *const *settings) {
    struct buffer problem;
    buffer_init(&problem, 1024);
    config_init(config);
    int error = config_set(config, BYTES_LITERAL("wal-segment-bytes"), BYTES_LITERAL("1mb"),
                           CONFIG_SOURCE_FILE, &problem);
    assert_int_equal(error, 0);
    for (; settings && *settings; settings += 2) {
        error = config_set(config, bytes_of_text(settings[0]), bytes_of_text(settings[1]),
                           CONFIG_SOURCE_FILE, &problem);
        assert_int_equal(error, 0);
    }
    buffer_release(&problem);
}

static void worker_start(struct world *world, unsigned index) {
    struct place *place = &world->places[index];
    *place = (struct place){.world = world, .index = index, .disk = disk_new()};
    struct worker_options options = {
        .index = index,
        .count = world->worker_count,
        .identity = {.generation = 1, .worker_count = world->worker_count},
        .config = &world->config,
        .client_address = {.host = "127.0.0.1", .port = 7001},
        .peer_address = {.host = "127.0.0.1", .port = 17001},
        .admin_address = {.host = "127.0.0.1", .port = 9001},
        .seed = 42 + index,
        .shared = world->shared,
        .io = {.clock = &world->clock,
               .disk = &place->disk->disk,
               .node_disk = &world->node_disk->disk,
               .net = &world->net,
               .client_output = on_output,
               .client_close = on_close,
               .client_pause = on_pause,
               .post = on_post,
               .process_facts = on_process_facts,
               .fatal = on_fatal,
               .context = place}};
    struct buffer problem;
    memcpy(options.identity.uuid, uuid, sizeof uuid);
    buffer_init(&problem, 1024);
    int error = worker_new(&options, &place->worker, &problem);
    assert_int_equal(error, 0);
    buffer_release(&problem);
}

static void gossiper_start(struct world *world) {
    struct gossiper_options options = {.identity = {.generation = 1},
                                       .config = &world->config,
                                       .peer_address = {.host = "127.0.0.1", .port = 17001},
                                       .name = "n1",
                                       .seed = 7,
                                       .worker_count = world->worker_count,
                                       .clock = &world->clock,
                                       .net = &world->net,
                                       .metrics =
                                           node_shared_metrics(world->shared, world->worker_count),
                                       .post = on_gossiper_post,
                                       .context = world};
    memcpy(options.identity.uuid, world->are_members_heard ? uuid : uuid_of_another, sizeof uuid);
    world->gossiper = gossiper_new(&options);
}

static bool has_leaders(const struct world *world) {
    const struct worker *worker = world->places[0].worker;
    for (unsigned i = 0; worker->topology && i < worker->topology->shard_count; i++) {
        for (unsigned at = 0; at < world->worker_count; at++)
            if (!leaders_is_here(world->places[at].worker, i))
                return false;
    }
    return true;
}

static struct world *begin(unsigned worker_count, const char *const *settings,
                           bool are_members_heard) {
    struct world *world = memory_allocate_zeroed(1, sizeof *world);
    world->are_members_heard = are_members_heard;
    world->clock = (struct clock){.monotonic_us = now_us, .wall_ms = wall_ms, .wall_us = wall_us};
    world->net = (struct net){.peer_set = peer_set,
                              .peer_send = peer_send,
                              .peer_link = peer_link,
                              .datagram_send = datagram_send};
    world->now_us = 5000000;
    world->worker_count = worker_count;
    world->node_disk = disk_new();
    world->shared = node_shared_new(worker_count);
    queue_init(&world->posts, sizeof(struct post));
    settings_read(&world->config, settings);
    gossiper_start(world);
    for (unsigned i = worker_count; i-- > 0;)
        worker_start(world, i);
    for (unsigned i = 0; i < START_STEPS && !has_leaders(world); i++)
        step(world);
    assert_true(has_leaders(world));
    world_pass_ms(world, 150); /* the statistics are published */
    return world;
}

struct world *world_new(unsigned worker_count, const char *const *settings) {
    return begin(worker_count, settings, false);
}

struct world *world_new_in_gossip(unsigned worker_count, const char *const *settings) {
    return begin(worker_count, settings, true);
}

void world_free(struct world *world) {
    for (unsigned i = 0; i < world->client_count; i++) {
        struct client *client = &world->clients[i];
        if (client->session)
            clients_closed(world->places[client->worker].worker, client->session);
        buffer_release(&client->unsent);
        buffer_release(&client->received);
    }
    world->client_count = 0;
    for (unsigned i = 0; i < world->worker_count; i++)
        fake_disk_run_all(world->places[i].disk);
    for (; queue_count(&world->posts); queue_pop(&world->posts))
        mail_free(((struct post *)queue_front(&world->posts))->mail);
    queue_release(&world->posts);
    mail_free(world->status);
    for (unsigned i = 0; i < world->worker_count; i++) {
        worker_free(world->places[i].worker);
        fake_disk_release(world->places[i].disk);
        memory_free(world->places[i].disk);
    }
    fake_disk_release(world->node_disk);
    memory_free(world->node_disk);
    gossiper_free(world->gossiper);
    node_shared_free(world->shared);
    config_release(&world->config);
    memory_free(world);
}

struct worker *world_worker(struct world *world, unsigned index) {
    return world->places[index].worker;
}

unsigned world_gossiper_settings(const struct world *world) { return world->gossiper_settings; }

struct bytes world_status(struct world *world) {
    struct post *post = queue_push(&world->posts);
    *post = (struct post){.mail = mail_new(MAIL_STATUS, MAIL_TO_GOSSIPER)};
    mail_free(world->status);
    world->status = NULL;
    deliver_mail(world);
    assert_non_null(world->status);
    return buffer_bytes(&world->status->bytes);
}

/* ---- clients ---- */

struct client *world_connect(struct world *world, unsigned worker) {
    assert_true(world->client_count < WORLD_CLIENT_MAXIMUM);
    struct client *client = &world->clients[world->client_count];
    char name[SESSION_PEER_MAXIMUM];
    snprintf(name, sizeof name, "10.0.0.%u:5000", world->client_count + 1);
    *client = (struct client){.world = world, .worker = worker};
    client->session = clients_open(world->places[worker].worker, client, name, "127.0.0.1:7001");
    if (!client->session)
        return NULL;
    buffer_init(&client->unsent, SIZE_MAX);
    buffer_init(&client->received, SIZE_MAX);
    world->client_count++;
    return client;
}

void client_send(struct client *client, struct bytes bytes) {
    buffer_append_bytes(&client->unsent, bytes);
    feed(client);
}

static void send_line(struct client *client, const char *line, size_t length) {
    struct bytes arguments[ARGUMENTS_MAXIMUM];
    size_t count = 0;
    for (const char *end = line + length; line < end;) {
        size_t word = strcspn(line, " \n");
        assert_true(count < ARGUMENTS_MAXIMUM);
        arguments[count++] = bytes_of(line, word);
        line += word + 1;
    }
    request_encode(&client->unsent, arguments, count);
}

void client_ask(struct client *client, const char *lines) {
    while (*lines) {
        size_t length = strcspn(lines, "\n");
        send_line(client, lines, length);
        lines += length + (lines[length] == '\n');
    }
    feed(client);
    world_settle(client->world);
}

const char *client_take(struct client *client) {
    static char taken[1 << 20];
    assert_true(client->received.length < sizeof taken);
    if (client->received.length)
        memcpy(taken, buffer_data(&client->received), client->received.length);
    taken[client->received.length] = '\0';
    buffer_clear(&client->received);
    return taken;
}
