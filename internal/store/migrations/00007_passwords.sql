-- Passwords that came with the rows of a batch, sealed until they are hashed. person is NULL until the row was carried out, 0 when nobody came of
-- it, and then whose password it is. owner hashes it until lease.
CREATE TABLE sealed_password (
    batch BIGINT NOT NULL REFERENCES batch (seq) ON DELETE CASCADE,
    idx BIGINT NOT NULL,
    tenant BIGINT NOT NULL,
    person BIGINT,
    sealed BYTES NOT NULL,
    fails BIGINT NOT NULL DEFAULT 0,
    locked_until TIME,
    owner TEXT,
    lease TIME,
    created_at TIME NOT NULL,
    PRIMARY KEY (batch, idx)
);
CREATE INDEX sealed_password_new ON sealed_password (batch, idx) WHERE person IS NULL;
CREATE INDEX sealed_password_due ON sealed_password (tenant, batch, idx) WHERE person > 0;
CREATE INDEX sealed_password_person ON sealed_password (person) WHERE person > 0;
CREATE INDEX sealed_password_age ON sealed_password (created_at) WHERE person IS NULL OR person = 0;

-- Whoever keeps passwords holds the batch (Receiver), and whoever removes a batch removes them (DeleteBatch). To have the batch asked for and locked for
-- each of them was nine tenths of the time of keeping them.
postgres: ALTER TABLE sealed_password DROP CONSTRAINT sealed_password_batch_fkey;
