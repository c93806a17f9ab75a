-- Codes that are allocated: the last number of each prefix.
CREATE TABLE code_counter (
    tenant BIGINT NOT NULL,
    base KEYTEXT NOT NULL,
    n BIGINT NOT NULL,
    PRIMARY KEY (tenant, base)
);
postgres: ALTER TABLE code_counter SET (fillfactor = 50);

-- What deleted people held that not everybody claims: restoring them claims it again.
CREATE TABLE released_claim (
    person BIGINT PRIMARY KEY,
    tenant BIGINT NOT NULL,
    phone FLAG NOT NULL,
    code FLAG NOT NULL
);

ALTER TABLE assignment ADD COLUMN created_at TIME;
ALTER TABLE assignment ADD COLUMN updated_at TIME;
UPDATE assignment SET created_at = (SELECT m.created_at FROM membership m WHERE m.seq = assignment.membership),
    updated_at = (SELECT m.updated_at FROM membership m WHERE m.seq = assignment.membership);
