#include "store/wal/batch.h"
#include "base/check.h"

/* Memory that a batch keeps between rounds, and while it is needed. */
static const size_t kept_bytes = 1 << 20, busy_bytes = 16 << 20;

void wal_batch_init(struct wal_batch *batch, size_t maximum_bytes) {
    *batch = (struct wal_batch){.bytes = 0};
    buffer_init(&batch->records, maximum_bytes);
}

static void give_back(const struct wal_lent *lent) { lent->give_back(lent->owner); }

static void give_back_until(struct wal_batch *batch, unsigned loan_end) {
    for (; batch->settled_loans < loan_end; batch->settled_loans++)
        give_back(&batch->loans[batch->settled_loans].lent);
}

void wal_batch_release(struct wal_batch *batch) {
    give_back_until(batch, batch->loan_count);
    buffer_release(&batch->records);
}

/* ---- gathering ---- */

void wal_batch_append(struct wal_batch *batch, enum wal_kind kind, uint32_t shard, uint64_t index,
                      struct bytes payload) {
    size_t before = batch->records.length;
    wal_record_append(&batch->records, kind, shard, index, payload);
    batch->bytes += batch->records.length - before;
}

/* In one piece, as if nothing of it were lent. */
static void append_copied(struct wal_batch *batch, uint32_t shard, uint64_t index,
                          struct bytes front, const struct wal_lent *lent) {
    struct buffer payload;
    buffer_init(&payload, WAL_PAYLOAD_MAXIMUM_BYTES);
    buffer_append_bytes(&payload, front);
    buffer_append_bytes(&payload, lent->bytes);
    wal_batch_append(batch, WAL_ENTRY, shard, index, buffer_bytes(&payload));
    buffer_release(&payload);
}

void wal_batch_append_lent(struct wal_batch *batch, uint32_t shard, uint64_t index,
                           struct bytes front, const struct wal_lent *lent) {
    size_t before = batch->records.length;
    CHECK(lent->bytes.length > 0);
    if (batch->loan_count == WAL_LOANS_MAXIMUM) {
        append_copied(batch, shard, index, front, lent);
        give_back(lent);
        return;
    }
    wal_record_append_front(&batch->records, WAL_ENTRY, shard, index, front, lent);
    if (batch->records.length == before) {
        give_back(lent);
        return;
    }
    size_t at = before + WAL_HEADER_BYTES + front.length;
    batch->loans[batch->loan_count++] = (struct wal_loan){.at = at, .lent = *lent};
    batch->bytes += batch->records.length - before + lent->bytes.length;
}

/* ---- taking ---- */

uint64_t wal_batch_first_bytes(const struct wal_batch *batch) {
    CHECK(batch->taken_records < batch->records.length);
    return wal_record_bytes_at(buffer_data(&batch->records) + batch->taken_records);
}

static void take_record(struct wal_batch *batch) {
    const uint8_t *record = buffer_data(&batch->records) + batch->taken_records;
    uint32_t lent_bytes = wal_record_lent_bytes(record);
    size_t bytes = wal_record_bytes_at(record);
    batch->taken_records += bytes - lent_bytes;
    batch->taken_bytes += bytes;
    batch->taken_loans += lent_bytes > 0;
}

struct wal_portion wal_batch_take(struct wal_batch *batch, uint64_t limit_bytes) {
    uint64_t end = batch->taken_bytes + limit_bytes, begin = batch->taken_bytes;
    struct wal_portion portion = {
        .batch = batch, .records = batch->taken_records, .loan = batch->taken_loans};
    take_record(batch);
    while (wal_batch_rest_bytes(batch) > 0 &&
           batch->taken_bytes + wal_batch_first_bytes(batch) <= end)
        take_record(batch);
    portion.records_end = batch->taken_records;
    portion.loan_end = batch->taken_loans;
    portion.bytes = batch->taken_bytes - begin;
    return portion;
}

void wal_batch_settle(struct wal_batch *batch) {
    give_back_until(batch, batch->taken_loans);
    if (batch->taken_bytes == 0 || wal_batch_rest_bytes(batch) > 0)
        return;
    buffer_reuse(&batch->records, kept_bytes, busy_bytes);
    batch->bytes = batch->taken_bytes = 0;
    batch->taken_records = 0;
    batch->loan_count = batch->taken_loans = batch->settled_loans = 0;
}

/* ---- a portion ---- */

uint8_t *wal_portion_next(const struct wal_portion *portion, size_t *at) {
    if (*at == portion->records_end)
        return NULL;
    uint8_t *record = buffer_data(&portion->batch->records) + *at;
    *at += wal_record_bytes_at(record) - wal_record_lent_bytes(record);
    return record;
}

size_t wal_portion_pieces(const struct wal_portion *portion, struct bytes *pieces) {
    const struct wal_batch *batch = portion->batch;
    size_t count = 0, from = portion->records;
    for (unsigned i = portion->loan; i < portion->loan_end; i++) {
        const struct wal_loan *loan = &batch->loans[i];
        pieces[count++] = bytes_of(buffer_data(&batch->records) + from, loan->at - from);
        pieces[count++] = loan->lent.bytes;
        from = loan->at;
    }
    if (from < portion->records_end)
        pieces[count++] =
            bytes_of(buffer_data(&batch->records) + from, portion->records_end - from);
    return count;
}
