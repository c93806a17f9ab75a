-- Tickets, and the mails by which people get them.

-- What a person may do once with the link of a mail. hash is of the link's token, which is computed and stored nowhere. subject is what purpose says:
-- the account that a password is set for. rotation is how often a new link has taken the place of an older one. Whoever uses a ticket holds it for
-- that long by owner and lease.
CREATE TABLE ticket (
    seq SEQ,
    id UUID16 NOT NULL UNIQUE,
    tenant BIGINT NOT NULL REFERENCES tenant (seq),
    purpose KEYTEXT NOT NULL,
    subject BIGINT NOT NULL,
    rotation BIGINT NOT NULL,
    hash BYTES NOT NULL,
    expires TIME,
    used_at TIME,
    owner KEYTEXT,
    lease TIME,
    created_at TIME NOT NULL,
    updated_at TIME NOT NULL
);
CREATE UNIQUE INDEX ticket_hash ON ticket (hash);
CREATE UNIQUE INDEX ticket_subject ON ticket (tenant, purpose, subject);

-- A mail that is to be sent, or was. It holds neither address nor text: both are made from what is known when it is sent. message_id is the same for
-- every attempt. trying says that an attempt began whose end is not known, and repeats how often another one was made after such a one.
CREATE TABLE mail (
    seq SEQ,
    tenant BIGINT NOT NULL REFERENCES tenant (seq),
    ticket BIGINT NOT NULL REFERENCES ticket (seq) ON DELETE CASCADE,
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
CREATE UNIQUE INDEX mail_ticket ON mail (ticket, rotation);
CREATE INDEX mail_due ON mail (due) WHERE due IS NOT NULL;
CREATE INDEX mail_age ON mail (updated_at) WHERE due IS NULL;
