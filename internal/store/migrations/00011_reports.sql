-- Mails that tell whoever sent an import what became of it.

-- A mail is of a ticket or, from here on, of a batch: then it tells of its end, and there is one. batch is that import. A column cannot be made to
-- take nothing everywhere, so the table is made anew.
CREATE TABLE mail_anew (
    seq SEQ,
    tenant BIGINT NOT NULL REFERENCES tenant (seq),
    ticket BIGINT REFERENCES ticket (seq) ON DELETE CASCADE,
    batch BIGINT REFERENCES batch (seq) ON DELETE CASCADE,
    rotation BIGINT NOT NULL,
    nonce BIGINT NOT NULL,
    message_id TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    repeats BIGINT NOT NULL,
    trying FLAG NOT NULL,
    due TIME,
    owner KEYTEXT,
    lease TIME,
    last_error TEXT,
    created_at TIME NOT NULL,
    updated_at TIME NOT NULL
);
INSERT INTO mail_anew (seq, tenant, ticket, rotation, nonce, message_id, state, attempts, repeats, trying, due, owner, lease, last_error, created_at, updated_at)
    SELECT seq, tenant, ticket, rotation, nonce, message_id, state, attempts, repeats, trying, due, owner, lease, last_error, created_at, updated_at FROM mail;
DROP TABLE mail;
ALTER TABLE mail_anew RENAME TO mail;
postgres:SELECT setval(pg_get_serial_sequence('mail', 'seq'), (SELECT coalesce(max(seq), 0) + 1 FROM mail), false);
CREATE UNIQUE INDEX mail_ticket ON mail (ticket, rotation);
CREATE UNIQUE INDEX mail_batch ON mail (batch) WHERE batch IS NOT NULL;
CREATE INDEX mail_due ON mail (due) WHERE due IS NOT NULL;
CREATE INDEX mail_age ON mail (updated_at) WHERE due IS NULL;
