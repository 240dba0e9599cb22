/* What a node says of itself, as trothdb cluster and its kin read it: whatever the reply is, it is
 * refused or read, and every text of it ends. */
#include "base/check.h"
#include "cli/client/status.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

#define CHECK_ENDS(text) CHECK(memchr(text, 0, sizeof(text)) != NULL)

static void check_members(const struct status *status) {
    for (size_t i = 0; i < status->member_count; i++) {
        const struct status_member *member = &status->members[i];
        CHECK_ENDS(member->uuid);
        CHECK_ENDS(member->name);
        CHECK_ENDS(member->peer);
        CHECK_ENDS(member->client);
        CHECK_ENDS(member->admin);
        CHECK_ENDS(member->state);
        CHECK_ENDS(member->cluster);
    }
}

static void check_status(const struct status *status) {
    struct topology_address own = {.host = ""};
    for (size_t i = 0; i < status->node_count; i++) {
        struct net_address client;
        CHECK_ENDS(status->nodes[i].id);
        CHECK_ENDS(status->nodes[i].state);
        CHECK(status_node(status, status->nodes[i].number) != NULL);
        status_node_client(&status->nodes[i], &client);
        CHECK_ENDS(client.host);
    }
    for (size_t i = 0; i < status->shard_count; i++)
        CHECK(status->shards[i].slots != NULL &&
              status->shards[i].replica_count <= TOPOLOGY_REPLICA_MAXIMUM);
    for (size_t i = 0; i < status->replica_count; i++)
        CHECK_ENDS(status->replicas[i].role);
    check_members(status);
    (void)status_own_address(status, &own);
    CHECK_ENDS(own.host);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length) {
    struct response reply;
    struct status status;
    size_t consumed;
    if (response_parse(bytes_of(data, length), &reply, &consumed) != 1)
        return 0;
    if (status_decode(&status, &reply) == 0)
        check_status(&status);
    else
        CHECK(status.nodes == NULL && status.shards == NULL);
    status_release(&status);
    response_release(&reply);
    return 0;
}
