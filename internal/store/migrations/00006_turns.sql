-- Whose turn it is. Imports whose rows take effect in order work one after the other: turn is the place in the tenant's line, and NULL for those
-- that stand in none. batch_turn has the last place that was given.
ALTER TABLE batch ADD COLUMN turn BIGINT;
CREATE UNIQUE INDEX batch_line ON batch (tenant, turn) WHERE turn IS NOT NULL;
CREATE TABLE batch_turn (
    tenant BIGINT PRIMARY KEY REFERENCES tenant (seq),
    last BIGINT NOT NULL
);
postgres: ALTER TABLE batch_turn SET (fillfactor = 50);
