/* The topology on this node. Decided by the control shard (shard 0, always on worker 0), kept in
 * two files (topology_files.h).
 *
 * A node learns a newer topology from its own replica of the control shard, or from a peer that
 * sees by gossip that this node lags behind. News is checked: the same cluster, a higher epoch,
 * this node in it. */
#include "replica/topology/control.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/planted.h"
#include "base/text/hex.h"
#include "member/said_keys.h"
#include "replica/mail/outbox.h"
#include "replica/state/state.h"
#include "replica/topology/control_machine.h"
#include "replica/topology/levels.h"
#include "replica/topology/replicas.h"
#include "replica/topology/topology_files.h"
#include "wire/peer_message.h"
#include "worker/settings.h"
#include "worker/worker.h"

#define CONTROL_TELL_INTERVAL_US ((uint64_t)500 * 1000)
#define CONTROL_SAVE_INTERVAL_US ((uint64_t)500 * 1000) /* while the disk has no space for it */

bool control_has_peers(struct worker *worker, uint32_t shard) {
    struct topology *topology;
    struct buffer problem;
    buffer_init(&problem, 1024);
    int error = topology_files_load(worker, &topology, &problem);
    buffer_release(&problem);
    if (error || !topology)
        return false;
    const struct topology_node *self = topology_node_by_uuid(topology, worker->identity.uuid);
    bool has_peers = self && topology_has_peers(topology, self->number, shard);
    topology_free(topology);
    return has_peers;
}

/* ---- saying it by gossip ---- */

static void send_topology(struct worker *worker, uint32_t node_number, bool has_founding) {
    struct buffer encoded, founding;
    buffer_init(&encoded, TOPOLOGY_BYTES_MAXIMUM);
    buffer_init(&founding, TOPOLOGY_BYTES_MAXIMUM);
    topology_encode(worker->topology, &encoded);
    if (has_founding)
        topology_encode(worker->hosting->founding, &founding);
    struct buffer *batch = outbox_to(worker, node_number, encoded.length + founding.length);
    if (batch)
        peer_batch_append_topology(batch, buffer_bytes(&encoded), buffer_bytes(&founding));
    buffer_release(&founding);
    buffer_release(&encoded);
}

static void say_topology(struct worker *worker) {
    char text[HEX_TEXT_BYTES(sizeof worker->topology->cluster_id)];
    hex_write(worker->topology->cluster_id, sizeof worker->topology->cluster_id, text);
    worker_say(worker, GOSSIP_SAYS_CLUSTER, text);
    snprintf(text, sizeof text, "%llu", (unsigned long long)worker->topology->epoch);
    worker_say(worker, GOSSIP_SAYS_EPOCH, text);
}

/* A hint for those who hold no replica of a shard. It is cut where a value of gossip ends; a
 * missing hint costs a redirect. */
void control_say_leads(struct worker *worker) {
    if (worker->index != 0 || !worker->topology)
        return;
    struct buffer text;
    bool has_room = true;
    buffer_init(&text, GOSSIP_VALUE_MAXIMUM + 1);
    for (unsigned shard = 0; shard < worker->topology->shard_count && has_room; shard++)
        if (worker->leaders[shard].node == worker->self)
            has_room = worker_list_add(&text, shard, worker->leaders[shard].term);
    buffer_append_u8(&text, 0);
    worker_say(worker, GOSSIP_SAYS_LEADS, (const char *)buffer_data(&text));
    buffer_release(&text);
}

/* ---- adopting ---- */

/* Where the topology says that it is. */
static struct net_address address_of(const struct topology_node *node) {
    struct net_address address = {.port = node->address.peer_port};
    snprintf(address.host, sizeof address.host, "%s", node->address.host);
    return address;
}

enum { CONTROL_SEEDS_MAXIMUM = 16 }; /* one that lives is enough */

/* Gossip of a node that starts again looks where the others were, though no seed is set, or no name
 * of one can be looked up. */
static void seed_gossip(struct worker *worker) {
    unsigned count = 0;
    for (unsigned i = 0; i < worker->topology->node_count && count < CONTROL_SEEDS_MAXIMUM; i++) {
        const struct topology_node *node = &worker->topology->nodes[i];
        if (node->number == worker->self)
            continue;
        struct mail *mail = mail_new(MAIL_GOSSIP_SEED, worker->index);
        mail->address = address_of(node);
        worker_post(worker, MAIL_TO_GOSSIPER, mail);
        count++;
    }
}

static void set_peer(struct worker *worker, const struct topology_node *node) {
    struct net_address address = address_of(node);
    worker->io.net->peer_set(worker->io.net, node->number, &address);
}

/* Nodes that have moved have to reach each other before the control shard can agree on where they
 * are: with a majority that moved it has no leader until then. A batch that comes to another node
 * than it is for is refused there. */
void control_hear_address(struct worker *worker, const struct topology_node *node,
                          const struct member_view_entry *member) {
    if (gossip_state_is_live(member->state))
        worker->io.net->peer_set(worker->io.net, node->number, &member->peer);
}

static void set_peers(struct worker *worker) {
    for (unsigned i = 0; i < worker->topology->node_count; i++) {
        const struct topology_node *node = &worker->topology->nodes[i];
        const struct member_view_entry *member = member_view_find(&worker->members, node->uuid);
        if (node->number == worker->self)
            continue;
        if (member && gossip_state_is_live(member->state))
            control_hear_address(worker, node, member);
        else
            set_peer(worker, node);
    }
}

static int put_in_place(struct worker *worker, struct topology *topology, struct buffer *problem) {
    topology_free(worker->topology);
    worker->topology = topology;
    worker->self = topology_node_by_uuid(topology, worker->identity.uuid)->number;
    set_peers(worker);
    settings_take_cluster(worker);
    return replicas_place(worker, problem);
}

/* Takes it: every worker's part. */
static void adopt(struct worker *worker, struct topology *topology) {
    struct buffer problem;
    buffer_init(&problem, 1024);
    int error = 0;
    if (!worker->hosting->founding) { /* worker 0 has saved it by now */
        error = topology_files_load_founding(worker, &worker->hosting->founding, &problem);
        CHECK(error || worker->hosting->founding);
    }
    if (error || put_in_place(worker, topology, &problem)) {
        log_line(worker->io.log, LOG_ERROR, "a replica cannot be made",
                 LOG_F("worker", worker->index));
        worker_fatal(worker, "a replica cannot be made");
    } else if (worker->index == 0) {
        say_topology(worker);
        log_line(worker->io.log, LOG_INFO, "topology adopted", LOG_F("node", worker->self),
                 LOG_F("epoch", topology->epoch), LOG_F("nodes", topology->node_count),
                 LOG_F("shards", topology->shard_count - 1));
    }
    buffer_release(&problem);
}

static bool is_newer(const struct worker *worker, const struct topology *topology) {
    return memcmp(worker->topology->cluster_id, topology->cluster_id, 16) == 0 &&
           topology->epoch > worker->topology->epoch;
}

static bool is_news(const struct worker *worker, const struct topology *topology) {
    return topology_node_by_uuid(topology, worker->identity.uuid) &&
           (!worker->topology || is_newer(worker, topology));
}

/* A spare that was added and removed before it heard of either. It holds nothing that could do
 * harm, so it goes on; but as what it is no cluster takes it any more, and it says so once. */
static void note_spare_removed(struct worker *worker, const struct topology *topology) {
    if (worker->hosting->is_removed_spare)
        return;
    worker->hosting->is_removed_spare = true;
    log_line(worker->io.log, LOG_ERROR,
             "this spare was removed from the cluster before it heard that it was taken; stop it, "
             "remove its directory, and start it again to have it taken",
             LOG_F("epoch", topology->epoch));
}

/* What this node holds may differ from what the others have decided since: it serves nothing and
 * votes for nobody from here on. The file makes it so at the next start. */
static bool is_told_removed(struct worker *worker, const struct topology *topology) {
    if (PLANTED(REMOVED_NODE_STAYS) || !topology_removed_by_uuid(topology, worker->identity.uuid) ||
        (worker->topology && !is_newer(worker, topology)))
        return false;
    if (!worker->topology) {
        note_spare_removed(worker, topology);
        return true;
    }
    if (worker->index == 0 && topology_files_save(worker, topology))
        log_line(worker->io.log, LOG_WARN, "the topology without this node cannot be saved");
    log_line(worker->io.log, LOG_ERROR,
             "this node was removed from its cluster and ends; remove its directory before it is "
             "started again",
             LOG_F("node", worker->self), LOG_F("epoch", topology->epoch));
    worker_fatal(worker, "this node was removed from its cluster");
    return true;
}

/* The topology, length-prefixed, and then the founding or nothing. */
static struct mail *topology_mail(struct worker *worker, struct bytes topology,
                                  struct bytes founding) {
    struct mail *mail = mail_new(MAIL_TOPOLOGY, worker->index);
    buffer_append_length_prefixed(&mail->bytes, topology);
    buffer_append_bytes(&mail->bytes, founding);
    return mail;
}

/* A spare that has no founding yet is given it as well. It is written again when the files come to
 * have sums, for its own level never rises. */
static int make_durable(struct worker *worker, const struct topology *topology,
                        const struct topology *founding) {
    bool is_summed = topology_files_have_sums(topology);
    int error = 0;
    if (!worker->hosting->founding) {
        error = topology_files_save_founding(worker, founding, is_summed);
        worker->hosting->founding = error ? NULL : topology_copy(founding);
    } else if (is_summed && !topology_files_have_sums(worker->topology)) {
        error = topology_files_save_founding(worker, worker->hosting->founding, true);
    }
    return error ? error : topology_files_save(worker, topology);
}

/* A full disk ends no node, nor do too many open files. This one goes on with the topology that it
 * has, and a spare without one: the same comes again, from a peer or from the control shard's
 * replica here. */
static void save_later(struct worker *worker, int error) {
    struct hosting *hosting = worker->hosting;
    if (hosting->next_save_us == 0) {
        log_line(
            worker->io.log, LOG_WARN,
            "a newer topology cannot be saved just now; this node keeps the one it has until it "
            "can",
            LOG_T("error", error_text(error)));
    }
    hosting->next_save_us = worker_now_us(worker) + CONTROL_SAVE_INTERVAL_US;
    if (!worker->topology) {
        topology_free(hosting->founding);
        hosting->founding = NULL;
    }
}

static void not_saved(struct worker *worker, int error) {
    if (disk_error_may_pass(error)) {
        save_later(worker, error);
        return;
    }
    log_line(worker->io.log, LOG_ERROR, "topology not saved", LOG_T("error", error_text(error)));
    worker_fatal(worker, "the topology cannot be made durable");
}

/* Worker 0's part: make it durable, put it in place, tell the other workers. */
static int adopt_everywhere(struct worker *worker, struct topology *topology,
                            const struct topology *founding) {
    int error = make_durable(worker, topology, founding);
    if (error) {
        topology_free(topology);
        not_saved(worker, error);
        return error;
    }
    worker->hosting->next_save_us = 0;
    struct buffer encoded;
    buffer_init(&encoded, TOPOLOGY_BYTES_MAXIMUM);
    topology_encode(topology, &encoded);
    worker_post_others(worker, topology_mail(worker, buffer_bytes(&encoded), BYTES_NONE));
    buffer_release(&encoded);
    adopt(worker, topology);
    return 0;
}

/* The first topology of all, which is its own founding. */
static int found(struct worker *worker, struct topology *topology, struct buffer *problem) {
    int error = adopt_everywhere(worker, topology, topology);
    if (error) {
        buffer_append_format(problem,
                             "the topology cannot be saved in this node's directory: %s; try "
                             "again when it can be",
                             error_text(error));
    }
    return error;
}

/* What comes to a spare beside a topology. NULL: it is none of that cluster. A topology of epoch 1
 * is its own founding. Returns owned. */
static struct topology *decode_founding(const struct topology *topology, struct bytes encoded) {
    struct topology *founding = NULL;
    if (encoded.length == 0)
        return topology->epoch == 1 ? topology_copy(topology) : NULL;
    bool is_wrong = topology_decode(encoded, &founding) != 0 || founding->epoch > topology->epoch ||
                    memcmp(founding->cluster_id, topology->cluster_id, 16) != 0;
    if (is_wrong) {
        topology_free(founding);
        return NULL;
    }
    return founding;
}

/* The first topology of a spare. */
static void join(struct worker *worker, struct topology *topology, struct bytes encoded) {
    struct topology *founding = decode_founding(topology, encoded);
    if (founding) {
        (void)adopt_everywhere(worker, topology, founding);
    } else {
        log_line(worker->io.log, LOG_WARN, "topology without its founding ignored");
        topology_free(topology);
    }
    topology_free(founding);
}

/* Worker 0 decides; the others adopt what it tells them. */
static void topology_received(struct worker *worker, struct bytes encoded, struct bytes founding) {
    struct topology *topology;
    if (topology_decode(encoded, &topology)) {
        log_line(worker->io.log, LOG_WARN, "malformed topology ignored");
        return;
    }
    if (is_told_removed(worker, topology) || !is_news(worker, topology))
        topology_free(topology);
    else if (worker->index != 0)
        adopt(worker, topology);
    else if (worker->hosting->founding)
        (void)adopt_everywhere(worker, topology, worker->hosting->founding);
    else
        join(worker, topology, founding);
}

void control_topology_mail(struct worker *worker, struct bytes mail) {
    struct cursor in = cursor_of(mail);
    struct bytes topology = cursor_length_prefixed(&in, TOPOLOGY_BYTES_MAXIMUM);
    topology_received(worker, topology, cursor_bytes(&in, cursor_left(&in)));
}

/* A peer's stream may end at any worker. */
void control_topology_heard(struct worker *worker, struct bytes encoded, struct bytes founding) {
    if (worker->index == 0)
        topology_received(worker, encoded, founding);
    else
        worker_post(worker, 0, topology_mail(worker, encoded, founding));
}

int control_found(struct worker *worker, struct bytes encoded, struct buffer *problem) {
    if (worker->topology) {
        buffer_append_text(problem,
                           "this node belongs to a cluster already; only a spare can be given one");
        return ERR_EXISTS;
    }
    struct topology *topology;
    int error = topology_decode(encoded, &topology);
    if (error) {
        buffer_append_format(problem, "the topology cannot be read: %s", error_text(error));
        return error;
    }
    if (!topology_node_by_uuid(topology, worker->identity.uuid)) {
        buffer_append_text(problem, "this node is not in that topology");
        topology_free(topology);
        return ERR_INVALID;
    }
    return found(worker, topology, problem);
}

/* ---- start ---- */

static int found_alone(struct worker *worker, struct buffer *problem) {
    uint8_t cluster_id[16];
    for (unsigned i = 0; i < 16; i++)
        cluster_id[i] = (uint8_t)random_next(&worker->random);
    struct topology_node node = {.address = {.client_port = worker->client_address.port,
                                             .peer_port = worker->peer_address.port,
                                             .admin_port = worker->admin_address.port}};
    snprintf(node.address.host, sizeof node.address.host, "%s", worker->client_address.host);
    memcpy(node.uuid, worker->identity.uuid, sizeof node.uuid);
    struct topology *topology =
        topology_found(cluster_id, &node, 1, (unsigned)worker->config.shards, 1);
    return found(worker, topology, problem);
}

/* Every worker has its log before this node is in a cluster. Without it the node has forgotten whom
 * it voted for and what it acknowledged, and must not take part as if nothing were (Raft, figure 2:
 * persistent state). */
static void refuse_lost_log(const struct worker *worker, struct buffer *problem) {
    buffer_append_format(
        problem,
        "this node belongs to a cluster, but the log of worker %u is gone, and with it what "
        "this node promised; put its directory back, or begin with an empty directory and "
        "let \"trothdb cluster replicas\" put the new node in this one's place",
        worker->index);
}

static int check_topology(const struct worker *worker, const struct topology *topology,
                          struct buffer *problem) {
    if (topology_node_by_uuid(topology, worker->identity.uuid))
        return levels_check(worker, topology, problem);
    buffer_append_text(problem,
                       topology_removed_by_uuid(topology, worker->identity.uuid)
                           ? "this node was removed from its cluster, and what it holds is of "
                             "no use any more; remove its directory, and it starts as a new one"
                           : "the file \"topology\" is of a cluster that this node is not in");
    return ERR_INVALID;
}

/* The node goes on in its cluster. Takes the topology. */
static int go_on(struct worker *worker, struct topology *topology, struct buffer *problem) {
    int error = check_topology(worker, topology, problem);
    if (!error && wal_is_new(worker->wal)) {
        refuse_lost_log(worker, problem);
        error = ERR_DAMAGED;
    }
    if (error) {
        topology_free(topology);
        return error;
    }
    settings_start(worker, topology);
    error = put_in_place(worker, topology, problem);
    if (!error && worker->index == 0) {
        say_topology(worker);
        seed_gossip(worker);
    }
    return error;
}

int control_start(struct worker *worker, struct buffer *problem) {
    struct topology *topology;
    int error = topology_files_load_both(worker, &topology, &worker->hosting->founding, problem);
    if (error) {
        topology_free(topology);
        return error;
    }
    if (topology)
        return go_on(worker, topology, problem);
    bool is_to_found = worker->index == 0 && worker->config.join[0] == '\0';
    return is_to_found ? found_alone(worker, problem) : 0;
}

/* ---- the control shard moved, or leads ---- */

void control_applied(struct worker *worker, struct shard *shard) {
    const struct topology *topology = control_machine_topology(shard_machine(shard));
    if (worker->topology && !is_told_removed(worker, topology) && is_news(worker, topology))
        (void)adopt_everywhere(worker, topology_copy(topology), worker->hosting->founding);
}

static void propose_address(struct worker *worker, const struct topology_node *node,
                            const struct net_address *client, const struct net_address *peer,
                            const struct net_address *admin) {
    char text[4][24];
    snprintf(text[0], sizeof text[0], "%u", node->number);
    snprintf(text[1], sizeof text[1], "%u", client->port);
    snprintf(text[2], sizeof text[2], "%u", peer->port);
    snprintf(text[3], sizeof text[3], "%u", admin->port);
    const struct bytes arguments[] = {BYTES_LITERAL("node.address"), bytes_of_text(text[0]),
                                      bytes_of_text(peer->host),     bytes_of_text(text[1]),
                                      bytes_of_text(text[2]),        bytes_of_text(text[3])};
    if (shard_propose(worker->shards[0], arguments, 6, (struct shard_waiter){0})) {
        log_line(worker->io.log, LOG_WARN, "a node's new address waits",
                 LOG_F("node", node->number));
    }
}

/* A node that was restarted at another address says so by gossip; the control shard makes it so. */
static void follow_address(struct worker *worker, const struct topology_node *node,
                           const struct member_view_entry *member) {
    struct net_address client, admin;
    if (member->state != GOSSIP_ALIVE ||
        net_address_parse(&client, bytes_of_text(member->client)) ||
        net_address_parse(&admin, bytes_of_text(member->admin)))
        return;
    const struct topology_address *known = &node->address;
    if (strcmp(known->host, member->peer.host) != 0 || known->peer_port != member->peer.port ||
        known->client_port != client.port || known->admin_port != admin.port)
        propose_address(worker, node, &client, &member->peer, &admin);
}

/* One that was away when it was removed hears of it when it is back; a spare that never heard that
 * it was added says no epoch at all. */
static void tell_removed(struct worker *worker, const struct member_view_entry *member) {
    const struct topology_removed *removed =
        topology_removed_by_uuid(worker->topology, member->uuid);
    bool is_behind = removed && member->state == GOSSIP_ALIVE &&
                     strtoull(member->epoch, NULL, 10) < worker->topology->epoch;
    if (is_behind) {
        worker->io.net->peer_set(worker->io.net, removed->number, &member->peer);
        send_topology(worker, removed->number, false);
    }
}

void control_tick(struct worker *worker) {
    struct shard *control = worker->shards[0];
    uint64_t now = worker_now_us(worker);
    if (control && worker->hosting->next_save_us && now >= worker->hosting->next_save_us)
        control_applied(worker, control);
    if (worker->index != 0 || !control || !shard_is_leader(control) ||
        now < worker->hosting->next_tell_us)
        return;
    worker->hosting->next_tell_us = now + CONTROL_TELL_INTERVAL_US;
    levels_tick(worker);
    for (size_t i = 0; i < worker->members.count; i++) {
        const struct member_view_entry *member = &worker->members.members[i];
        const struct topology_node *node = topology_node_by_uuid(worker->topology, member->uuid);
        if (!node) {
            tell_removed(worker, member);
            continue;
        }
        follow_address(worker, node, member);
        replicas_hear_settled(worker, member->settled);
        if (node->number != worker->self && member->state == GOSSIP_ALIVE &&
            strtoull(member->epoch, NULL, 10) < worker->topology->epoch)
            send_topology(worker, node->number, member->cluster[0] == '\0');
    }
}
