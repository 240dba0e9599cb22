#include "transcript.h"

#include "base/check.h"

#include <inttypes.h>

static const char *const kind_texts[RAFT_MESSAGE_KIND_COUNT] = {
    "pre-vote",   "pre-vote-reply",   "vote",       "vote-reply", "append", "append-reply",
    "read-index", "read-index-reply", "timeout-now"};

static const char *kind_text(enum raft_message_kind kind) {
    return kind < RAFT_MESSAGE_KIND_COUNT ? kind_texts[kind] : "?";
}

enum raft_message_kind transcript_kind_of(const char *text) {
    unsigned kind = 0;
    while (kind < RAFT_MESSAGE_KIND_COUNT && strcmp(kind_texts[kind], text) != 0)
        kind++;
    return (enum raft_message_kind)kind;
}

static void text_nodes(struct buffer *out, const char *name, uint8_t count,
                       const raft_node_number *nodes) {
    if (count > 0)
        buffer_append_text(out, name);
    for (uint8_t i = 0; i < count; i++)
        buffer_append_format(out, "%s%u", i ? "," : "", nodes[i]);
}

static void text_configuration(struct buffer *out, const struct raft_entry *entry) {
    struct raft_configuration members;
    int error = raft_configuration_decode(&members, raft_entry_payload(entry));
    CHECK(error == 0);
    text_nodes(out, ":voters=", members.voter_count, members.voters);
    text_nodes(out, ":old=", members.old_voter_count, members.old_voters);
    text_nodes(out, ":learners=", members.learner_count, members.learners);
    if (members.wish != 0)
        buffer_append_format(out, ":wish=%" PRIu64, members.wish);
}

static void text_entries(struct buffer *out, struct raft_entry *const *entries, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const struct raft_entry *entry = entries[i];
        struct bytes payload = raft_entry_payload(entry);
        buffer_append_format(out, " %" PRIu64 "/%" PRIu64, entry->index, entry->term);
        if (entry->kind == RAFT_ENTRY_NOTHING)
            buffer_append_text(out, ":no-op");
        else if (entry->kind == RAFT_ENTRY_CONFIGURATION)
            text_configuration(out, entry);
        else
            buffer_append_format(out, ":%.*s", BYTES_PRINT(payload));
    }
}

static void text_append(struct buffer *out, const struct raft_message *message) {
    buffer_append_format(out, " after %" PRIu64 "/%" PRIu64, message->log_index, message->log_term);
    text_entries(out, message->entries, message->entry_count);
    buffer_append_format(out, " commit %" PRIu64, message->commit_index);
    if (message->patience_us != 0)
        buffer_append_format(out, " within %" PRIu32 "us", message->patience_us);
    if (message->is_receipt_wanted)
        buffer_append_text(out, " receipt wanted");
    if (message->read_round != 0)
        buffer_append_format(out, " round %" PRIu64, message->read_round);
    if (message->is_quiet)
        buffer_append_text(out, " quiet");
}

static void text_append_reply(struct buffer *out, const struct raft_message *message) {
    if (message->is_rejected)
        buffer_append_format(out, " rejects %" PRIu64 ", conflict %" PRIu64 "/%" PRIu64,
                             message->log_index, message->conflict_index, message->conflict_term);
    else
        buffer_append_format(out, " match %" PRIu64 "%s", message->log_index,
                             message->is_full ? " full" : "");
    if (message->agreed_index > message->log_index)
        buffer_append_format(out, " received %" PRIu64, message->agreed_index);
    if (message->read_round != 0)
        buffer_append_format(out, " round %" PRIu64, message->read_round);
    if (message->is_quiet)
        buffer_append_text(out, " quiet");
}

void transcript_message(struct buffer *out, const struct raft_message *message) {
    buffer_append_format(out, "%u->%u %s term %" PRIu64, message->from, message->to,
                         kind_text(message->kind), message->term);
    switch (message->kind) {
    case RAFT_PRE_VOTE:
    case RAFT_VOTE:
        buffer_append_format(out, " last %" PRIu64 "/%" PRIu64 "%s", message->log_index,
                             message->log_term, message->is_forced ? " forced" : "");
        return;
    case RAFT_PRE_VOTE_REPLY:
    case RAFT_VOTE_REPLY:
        buffer_append_text(out, message->is_rejected ? " rejected" : " granted");
        return;
    case RAFT_APPEND:
        text_append(out, message);
        return;
    case RAFT_APPEND_REPLY:
        text_append_reply(out, message);
        return;
    case RAFT_READ_INDEX_REPLY:
        if (message->is_rejected)
            buffer_append_text(out, " rejected");
        else
            buffer_append_format(out, " index %" PRIu64, message->commit_index);
        return;
    case RAFT_READ_INDEX:
    case RAFT_TIMEOUT_NOW:
    case RAFT_MESSAGE_KIND_COUNT:
        return;
    }
}

static void text_move_and_campaign(struct buffer *out, const struct cluster_node *node,
                                   const struct raft_actions *actions) {
    static const char *const causes[] = {
#define ELECTION_CAUSE(id, name, text) name,
#include "raft/events/election_cause.def"
#undef ELECTION_CAUSE
    };
    if (actions->given_up_learner != 0)
        buffer_append_format(out, "%u gives %u up: %s\n", node->number, actions->given_up_learner,
                             raft_give_up_text(actions->give_up_cause));
    if (actions->is_hedged)
        buffer_append_format(out, "%u sends to all, as a commit takes long\n", node->number);
    if (actions->is_move_begun)
        buffer_append_format(out, "%u gives the lead away\n", node->number);
    if (actions->is_campaign_begun && actions->campaign_cause != RAFT_ELECTION_TIMEOUT &&
        actions->campaign_cause != RAFT_ELECTION_TRANSFER)
        buffer_append_format(out, "%u campaigns because: %s\n", node->number,
                             causes[actions->campaign_cause]);
}

static void text_save(struct buffer *out, const struct cluster_node *node,
                      const struct raft_actions *actions) {
    if (actions->save_sequence == 0)
        return;
    buffer_append_format(out, "%u saves #%" PRIu64 ":", node->number, actions->save_sequence);
    if (actions->truncate_from != 0)
        buffer_append_format(out, " truncate from %" PRIu64, actions->truncate_from);
    text_entries(out, actions->entries, actions->entry_count);
    if (actions->is_state_saved)
        buffer_append_format(out, " term %" PRIu64 " vote %u", actions->term, actions->vote);
    buffer_append_text(out, "\n");
}

static void text_messages(struct buffer *out, const struct raft_actions *actions) {
    for (size_t i = 0; i < actions->message_count; i++) {
        transcript_message(out, &actions->messages[i].message);
        if (actions->messages[i].after_save != 0)
            buffer_append_format(out, " (held for #%" PRIu64 ")", actions->messages[i].after_save);
        buffer_append_text(out, "\n");
    }
}

static void text_reads(struct buffer *out, const struct cluster_node *node,
                       const struct raft_actions *actions) {
    for (size_t i = 0; i < actions->read_count; i++) {
        const struct raft_read_answer *read = &actions->reads[i];
        if (read->is_refused)
            buffer_append_format(out, "%u refuses read %" PRIu64 "\n", node->number, read->read_id);
        else
            buffer_append_format(out, "%u answers read %" PRIu64 " at %" PRIu64 "\n", node->number,
                                 read->read_id, read->index);
    }
}

void transcript_actions(struct buffer *out, const struct cluster_node *node,
                        const struct raft_actions *actions) {
    if (out == NULL)
        return;
    text_move_and_campaign(out, node, actions);
    if (actions->is_leadership_changed)
        buffer_append_format(out, "%u is %s in term %" PRIu64 ", leader %u\n", node->number,
                             raft_role_text(raft_role(node->raft)), raft_current_term(node->raft),
                             raft_leader(node->raft));
    if (actions->proposal_error != 0)
        buffer_append_format(out, "%u refuses: %s\n", node->number,
                             error_text(actions->proposal_error));
    text_save(out, node, actions);
    text_messages(out, actions);
    if (actions->commit_index != node->commit_index)
        buffer_append_format(out, "%u commits up to %" PRIu64 "\n", node->number,
                             actions->commit_index);
    if (actions->early_index > actions->commit_index && actions->early_index != node->early_index)
        buffer_append_format(out, "%u is early up to %" PRIu64 "\n", node->number,
                             actions->early_index);
    text_reads(out, node, actions);
    for (size_t i = 0; i < actions->snapshot_wanted_count; i++)
        buffer_append_format(out, "%u wants a snapshot sent to %u\n", node->number,
                             actions->snapshot_wanted_by[i]);
}

void transcript_state(struct buffer *out, const struct cluster_node *node) {
    if (node->raft == NULL) {
        buffer_append_format(out, "%u down\n", node->number);
        return;
    }
    const struct raft *raft = node->raft;
    buffer_append_format(out, "%u %s%s term %" PRIu64 " leader %u commit %" PRIu64 " log",
                         node->number,
                         raft_is_given_up(raft) ? "given-up "
                         : raft_is_quiet(raft)  ? "quiet "
                                                : "",
                         raft_role_text(raft_role(raft)), raft_current_term(raft),
                         raft_leader(raft), raft_commit_index(raft));
    if (raft_first_index(raft) > 1)
        buffer_append_format(out, " (%" PRIu64 "/%" PRIu64 ")", raft_first_index(raft) - 1,
                             raft_term_at(raft, raft_first_index(raft) - 1));
    for (raft_index i = raft_first_index(raft); i <= raft_last_index(raft); i++) {
        struct raft_entry *entry =
            raft_entry_keep((struct raft_entry *)(uintptr_t)raft_entry_at(raft, i));
        text_entries(out, &entry, 1);
        raft_entry_drop(entry);
    }
    buffer_append_text(out, "\n");
}
