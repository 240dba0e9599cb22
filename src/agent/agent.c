#include "agent/agent.h"
#include "admin/admin.h"
#include "agent/agent_config.h"
#include "agent/agent_options.h"
#include "agent/agent_port.h"
#include "agent/agent_rest.h"
#include "agent/agent_sockets.h"
#include "base/check.h"
#include "base/exit_code.h"
#include "base/memory.h"
#include "console/console_status.h"
#include "io/real/entropy.h"
#include "io/real/real_clock.h"
#include "io/real/real_disk.h"
#include "member/said_keys.h"
#include "member/stream_mail.h"
#include "process/file_share.h"
#include "process/gossip_plane.h"
#include "process/log_sink.h"
#include "process/turn.h"
#include "profile/profile.h"
#include "rpc/grpc_server.h"
#include "rpc/http2.h"
#include "worker/node_shared.h"
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <unistd.h>

enum { AGENT_PROBLEM_MAXIMUM_BYTES = 16 << 10, AGENT_SIGNAL_COUNT = 3 };

struct agent {
    struct agent_options options;
    struct config_layers layers;
    struct identity identity;
    struct disk *disk; /* of --dir, open as long as it is this agent's; NULL: none */
    struct addresses announced;
    struct seal *seal; /* owned; NULL where no cluster key is set */
    struct node_shared *shared;
    struct file_share files;
    struct profiler *profiler; /* owned */
    struct log log;
    struct clock clock;
    uv_loop_t loop;
    struct turn turn;
    struct gossip_plane plane;
    struct grpc_server *peers; /* answers health checks on the peer port */
    uint8_t *peers_input;      /* HTTP2_INPUT_BYTES */
    struct admin admin;
    struct agent_port clients;
    struct mail *news, **news_end; /* of this turn; a queue */
    uv_signal_t signals[AGENT_SIGNAL_COUNT];
    uv_timer_t leave_timer;
    struct agent_rest rest;
    bool is_leaving, is_closing;
    uint64_t leaving_ms; /* since when */
};

/* ---- the end ---- */

static void agent_close(uv_timer_t *timer) {
    struct agent *agent = timer->data;
    agent->is_closing = true;
    for (unsigned i = 0; i < AGENT_SIGNAL_COUNT; i++)
        uv_close((uv_handle_t *)&agent->signals[i], NULL);
    uv_close((uv_handle_t *)&agent->leave_timer, NULL);
    turn_close(&agent->turn);
    agent_rest_close(&agent->rest);
    gossip_plane_close(&agent->plane);
    grpc_server_free(agent->peers);
    agent_port_close(&agent->clients);
    admin_close(&agent->admin);
}

static void agent_leave(void *context) {
    struct agent *agent = context;
    if (agent->is_leaving)
        return;
    agent->is_leaving = true;
    agent->leaving_ms = uv_now(&agent->loop);
    log_line(&agent->log, LOG_INFO, "leaving");
    gossiper_mail(agent->plane.gossiper, mail_new(MAIL_GOSSIP_LEAVE, 0));
    CHECK(uv_timer_start(&agent->leave_timer, agent_close, AGENT_LEAVE_MS, 0) == 0);
}

static void log_overruled(void *context, const char *name, const char *value,
                          enum config_layer layer) {
    struct agent *agent = context;
    log_line(&agent->log, LOG_WARN,
             "what the file says has no effect: what CONFIG SET said comes before it",
             LOG_T("setting", name), LOG_T("file", value), LOG_T("by", config_layer_text(layer)));
}

/* SIGHUP: file and flags once more. */
static void agent_reload(struct agent *agent) {
    struct config read, before;
    struct buffer problem;
    buffer_init(&problem, AGENT_PROBLEM_MAXIMUM_BYTES);
    config_copy(&before, &agent->layers.base);
    int code = agent_options_read_again(&agent->options, &read, &problem);
    if (code == 0) {
        if (read.port == 0)
            read.port = agent->layers.base.port; /* as it was found at the start */
        code = agent_config_take_file(&agent->clients, &read, &problem);
        config_release(&read);
    }
    buffer_append_u8(&problem, '\0');
    if (code == 0) {
        config_layers_tell_overruled(&agent->layers, &before, log_overruled, agent);
        log_line(&agent->log, LOG_INFO, "settings read again");
    } else {
        log_line(&agent->log, LOG_ERROR, "the settings were not read again; nothing is changed",
                 LOG_T("cause", (const char *)buffer_data(&problem)));
    }
    config_release(&before);
    buffer_release(&problem);
}

/* One wish may come as two signals: from the terminal and from the parent, to the group and to the
 * process. */
static void agent_on_signal(uv_signal_t *handle, int number) {
    struct agent *agent = handle->data;
    if (number == SIGHUP && !agent->is_leaving)
        agent_reload(agent);
    if (number == SIGHUP)
        return;
    if (agent->is_leaving && uv_now(&agent->loop) - agent->leaving_ms >= AGENT_REPEAT_MS)
        _exit(EXIT_FAILED);
    agent_leave(agent);
}

/* ---- the turn ---- */

/* What the gossiper tells waits for the end of the turn, when no session is in the middle of a
 * command. */
static void agent_post(void *context, unsigned receiver, struct mail *mail) {
    struct agent *agent = context;
    CHECK(receiver == 0 && (mail->kind == MAIL_GOSSIP_NEWS || mail->kind == MAIL_GOSSIP_STREAM));
    mail->next = NULL;
    *agent->news_end = mail;
    agent->news_end = &mail->next;
}

static void agent_answer_stream(struct agent *agent, const struct mail *mail) {
    struct gossip_stream_action action = stream_mail_action(mail);
    if (!agent->is_closing)
        grpc_server_stream(agent->peers, &action);
}

static void agent_tell_news(struct agent *agent) {
    struct mail *first = agent->news;
    agent->news = NULL;
    agent->news_end = &agent->news;
    for (struct mail *mail = first, *next; mail != NULL; mail = next) {
        next = mail->next;
        if (mail->kind == MAIL_GOSSIP_NEWS)
            agent_port_hear(&agent->clients, buffer_bytes(&mail->bytes));
        else
            agent_answer_stream(agent, mail);
        mail_free(mail);
    }
}

static void agent_end_turn(void *context) {
    struct agent *agent = context;
    agent_tell_news(agent);
    uint64_t deadline_us = gossip_plane_end_turn(&agent->plane);
    turn_set_alarm(&agent->turn, agent->news != NULL ? 0 : deadline_us);
}

/* Who was told to join somebody is ready when it has met anybody. */
static bool agent_is_ready(void *context, struct buffer *reason) {
    const struct agent *agent = context;
    const struct gossip *gossip = gossiper_gossip(agent->plane.gossiper);
    if (agent->is_leaving) {
        buffer_append_text(reason, "leaving\n");
        return false;
    }
    for (size_t i = 1; i < gossip_member_count(gossip); i++)
        if (gossip_member_at(gossip, i)->state == GOSSIP_ALIVE)
            return true;
    if (agent->layers.effective.join[0] != '\0')
        buffer_append_text(reason, "nobody of --join has answered yet\n");
    return agent->layers.effective.join[0] == '\0';
}

static void agent_measure(void *context) {
    gossip_plane_measure(&((struct agent *)context)->plane);
}

static void agent_write_status(void *context, struct bytes workers, struct buffer *out) {
    const struct agent *agent = context;
    console_status_write(agent->plane.gossiper, workers, out);
}

/* ---- streams of others ---- */

static bool agent_is_serving(void *context) {
    struct buffer reason;
    buffer_init(&reason, AGENT_PROBLEM_MAXIMUM_BYTES);
    bool is_ready = agent_is_ready(context, &reason);
    buffer_release(&reason);
    return is_ready;
}

/* Raft's messages are for nodes. */
static int agent_refuse_exchange(void *context, struct bytes batch) {
    (void)context, (void)batch;
    return ERR_REFUSED;
}

static void agent_gossip_stream(void *context, enum gossip_event_kind kind, uint64_t stream,
                                struct bytes request) {
    struct agent *agent = context;
    gossiper_mail(agent->plane.gossiper, stream_mail_new(0, kind, stream, request));
}

static void agent_open_peers(struct agent *agent) {
    agent->peers_input = memory_allocate(HTTP2_INPUT_BYTES);
    agent->peers =
        grpc_server_new(&(struct grpc_server_options){.loop = &agent->loop,
                                                      .input = agent->peers_input,
                                                      .seal = agent->seal,
                                                      .identity = &agent->identity,
                                                      .log = &agent->log,
                                                      .connection_maximum = agent->files.peers,
                                                      .exchange = agent_refuse_exchange,
                                                      .is_serving = agent_is_serving,
                                                      .gossip_stream = agent_gossip_stream,
                                                      .context = agent});
}

/* ---- the start ---- */

static int agent_take_identity(struct agent *agent, struct buffer *problem) {
    uint8_t fresh[NODE_UUID_BYTES];
    struct disk_real_problem cause;
    entropy_uuid(fresh);
    if (agent->layers.effective.dir[0] == '\0') {
        memcpy(agent->identity.uuid, fresh, sizeof fresh);
        agent->identity.generation = 1;
        return 0;
    }
    int code = disk_real_open(agent->layers.effective.dir, NULL, &agent->disk, &cause);
    if (code != 0) {
        buffer_append_format(problem, "%s", cause.text);
        return code;
    }
    return identity_open(agent->disk, fresh, IDENTITY_AGENT, &agent->identity, problem);
}

static void agent_say(struct agent *agent, const char *key, const struct net_address *address) {
    char text[SOCKET_NAME_BYTES];
    net_address_format(address, text);
    gossiper_say(agent->plane.gossiper, bytes_of_text(key), bytes_of_text(text));
}

static int agent_say_all(struct agent *agent, struct buffer *problem) {
    struct gossiper *gossiper = agent->plane.gossiper;
    agent_say(agent, GOSSIP_SAYS_CLIENT, &agent->announced.client);
    agent_say(agent, GOSSIP_SAYS_ADMIN, &agent->announced.admin);
    gossiper_say(gossiper, BYTES_LITERAL(GOSSIP_SAYS_KIND), BYTES_LITERAL(GOSSIP_KIND_AGENT));
    gossiper_say(gossiper, BYTES_LITERAL(GOSSIP_SAYS_VERSION), BYTES_LITERAL(TROTHDB_VERSION));
    for (unsigned i = 0; i < agent->options.tag_count; i++) {
        const struct agent_tag *tag = &agent->options.tags[i];
        struct buffer cause;
        buffer_init(&cause, AGENT_PROBLEM_MAXIMUM_BYTES);
        int code = gossip_key_check(gossiper_gossip(gossiper), tag->key, tag->value, &cause);
        if (code != 0)
            buffer_append_format(problem, "--tag: %.*s", BYTES_PRINT(buffer_bytes(&cause)));
        else
            gossiper_say(gossiper, tag->key, tag->value);
        buffer_release(&cause);
        if (code != 0)
            return code;
    }
    return 0;
}

static int agent_open_plane(struct agent *agent, int datagram_socket, struct buffer *problem) {
    struct gossiper_options options = {.identity = agent->identity,
                                       .config = &agent->layers.effective,
                                       .peer_address = agent->announced.peer,
                                       .seed = entropy_u64(),
                                       .clock = &agent->clock,
                                       .log = &agent->log,
                                       .metrics = node_shared_metrics(agent->shared, 0),
                                       .post = agent_post,
                                       .context = agent};
    gossiper_name(agent->layers.effective.name, &agent->announced.client, options.name);
    return gossip_plane_open(&agent->plane, &agent->loop, datagram_socket, agent->seal, &options,
                             problem);
}

static void agent_watch_signals(struct agent *agent) {
    static const int numbers[AGENT_SIGNAL_COUNT] = {SIGTERM, SIGINT, SIGHUP};
    for (unsigned i = 0; i < AGENT_SIGNAL_COUNT; i++) {
        CHECK(uv_signal_init(&agent->loop, &agent->signals[i]) == 0);
        agent->signals[i].data = agent;
        CHECK(uv_signal_start(&agent->signals[i], agent_on_signal, numbers[i]) == 0);
    }
    CHECK(uv_timer_init(&agent->loop, &agent->leave_timer) == 0);
    agent->leave_timer.data = agent;
}

static void agent_open_clients(struct agent *agent) {
    agent->clients.layers = &agent->layers;
    agent->clients.gossiper = agent->plane.gossiper;
    agent->clients.log = &agent->log;
    agent->clients.leave = agent_leave;
    agent->clients.context = agent;
    agent->clients.client_port_number = agent->announced.client.port;
    agent->clients.client_maximum = agent->files.clients;
    agent->clients.started_us = gossiper_now_us(agent->plane.gossiper);
    agent_port_init(&agent->clients, &agent->loop);
}

/* Everything on the loop, from here to agent_close(). A start that fails ends the process. */
static int agent_start(struct agent *agent, const struct agent_sockets *sockets,
                       struct buffer *problem) {
    agent->shared = node_shared_new(0);
    agent->files = file_share_take(1);
    file_share_log(&agent->files, &agent->log, (uint64_t)agent->layers.effective.maxclients);
    agent->profiler = profiler_new();
    agent->news_end = &agent->news;
    int code = agent_open_plane(agent, sockets->datagram, problem);
    if (code != 0)
        return code;
    agent_open_clients(agent);
    agent_open_peers(agent);
    admin_init(&agent->admin, &agent->loop,
               &(struct admin_options){.shared = agent->shared,
                                       .profiler = agent->profiler,
                                       .log = &agent->log,
                                       .is_ready = agent_is_ready,
                                       .measure = agent_measure,
                                       .context = agent,
                                       .status = {.write = agent_write_status, .context = agent}});
    turn_init(&agent->turn, &agent->loop, &agent->clock, agent_end_turn, agent);
    agent_watch_signals(agent);
    agent_rest_init(&agent->rest, &agent->loop);
    if (client_port_listen(&agent->clients.port, sockets->client) == 0 &&
        grpc_server_listen(agent->peers, sockets->peer) == 0 &&
        admin_listen(&agent->admin, sockets->admin) == 0)
        return agent_say_all(agent, problem);
    buffer_append_text(problem, "a listening socket cannot be used");
    return ERR_IO;
}

static void log_serving(const struct agent *agent) {
    char client[SOCKET_NAME_BYTES], peer[SOCKET_NAME_BYTES], admin[SOCKET_NAME_BYTES],
        id[GOSSIP_ID_TEXT_BYTES];
    net_address_format(&agent->announced.client, client);
    net_address_format(&agent->announced.peer, peer);
    net_address_format(&agent->announced.admin, admin);
    gossip_id_text(agent->identity.uuid, id);
    log_line(
        &agent->log, LOG_INFO, "serving", LOG_T("client", client), LOG_T("peer", peer),
        LOG_T("admin", admin), LOG_T("id", id), LOG_F("generation", agent->identity.generation),
        LOG_T("sealed", agent->seal != NULL ? "yes" : "no"), LOG_T("version", TROTHDB_VERSION));
}

/* A copy of the directory was started more often than this one. */
static void agent_keep_generation(struct agent *agent) {
    uint64_t later = gossiper_later_generation(agent->plane.gossiper);
    int code = agent->disk == NULL ? 0 : identity_start_above(agent->disk, &agent->identity, later);
    if (code != 0)
        log_line(&agent->log, LOG_WARN, "the file \"identity\" cannot be written",
                 LOG_T("cause", error_text(code)));
}

static void agent_release(struct agent *agent) {
    agent_keep_generation(agent);
    gossip_plane_release(&agent->plane);
    agent_tell_news(agent);
    CHECK(uv_loop_close(&agent->loop) == 0);
    if (agent->disk != NULL)
        disk_real_close(agent->disk);
    memory_free(agent->peers_input);
    profiler_free(agent->profiler);
    node_shared_free(agent->shared);
}

static int complain(const struct buffer *problem, int exit_code) {
    return options_complain("agent", problem, exit_code);
}

/* With its settings read. */
static int agent_serve(struct agent *agent, struct buffer *problem) {
    struct agent_sockets sockets;
    signal(SIGPIPE, SIG_IGN);
    int code = gossiper_check_name(agent->layers.effective.name, problem);
    if (code == 0 && agent->layers.effective.cluster_key_file[0] != '\0')
        code = seal_new_from_file(&agent->seal, agent->layers.effective.cluster_key_file,
                                  agent->layers.effective.cluster_name, problem);
    if (code != 0)
        return complain(problem, EXIT_USAGE);
    code = agent_sockets_open(&sockets, &agent->layers.effective, &agent->announced, problem);
    if (code != 0)
        return complain(problem, code == ERR_INVALID ? EXIT_USAGE : EXIT_FAILED);
    agent->layers.base.port = agent->layers.effective.port;
    log_sink_init(&agent->log, &agent->layers.effective);
    clock_real_init(&agent->clock);
    CHECK(uv_loop_init(&agent->loop) == 0);
    if (agent_take_identity(agent, problem) != 0)
        _exit(complain(problem, EXIT_FAILED));
    code = agent_start(agent, &sockets, problem);
    if (code != 0)
        _exit(complain(problem,
                       code == ERR_INVALID || code == ERR_REFUSED ? EXIT_USAGE : EXIT_FAILED));
    log_serving(agent);
    log_open_key(&agent->log, &agent->layers.effective);
    uv_run(&agent->loop, UV_RUN_DEFAULT);
    log_line(&agent->log, LOG_INFO, "stopped");
    agent_release(agent);
    return 0;
}

int agent_run(int argc, char **argv) {
    struct config config;
    struct agent *agent = memory_allocate_zeroed(1, sizeof *agent);
    struct buffer problem;
    buffer_init(&problem, AGENT_PROBLEM_MAXIMUM_BYTES);
    signal(SIGHUP, SIG_IGN); /* until the file can be read again */
    int code = 0;
    if (sodium_init() < 0) {
        buffer_append_text(&problem, "libsodium finds no source of randomness");
        code = complain(&problem, EXIT_FAILED);
    } else if (agent_options_read(&agent->options, argc, argv, &config, &problem) != 0) {
        code = complain(&problem, EXIT_USAGE);
    } else if (agent->options.options.wants_help) {
        agent_options_print_help();
    } else {
        config_layers_init(&agent->layers, &config);
        config_release(&config);
        code = agent_serve(agent, &problem);
        seal_free(agent->seal);
        config_layers_release(&agent->layers);
    }
    buffer_release(&problem);
    memory_free(agent);
    return code;
}
