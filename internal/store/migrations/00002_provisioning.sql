-- Orders of accounts, and what becomes of an account until it is its person's.

-- unit is what unit a batch is for. waiting makes a provision batch an order: how many of its items nobody has asked to be run.
ALTER TABLE batch ADD COLUMN unit BIGINT;
ALTER TABLE batch ADD COLUMN waiting BIGINT;
CREATE INDEX batch_unit ON batch (unit, seq) WHERE unit IS NOT NULL;
CREATE INDEX batch_order ON batch (tenant, seq) WHERE waiting IS NOT NULL;

-- Of items of orders: they change often, and people see when each came.
ALTER TABLE item ADD COLUMN created_at TIME;

ALTER TABLE account ADD COLUMN activation TEXT NOT NULL DEFAULT 'none';
ALTER TABLE account ADD COLUMN activation_by TEXT;
ALTER TABLE account ADD COLUMN activation_error TEXT;
ALTER TABLE account ADD COLUMN activation_attempts BIGINT NOT NULL DEFAULT 0;
ALTER TABLE account ADD COLUMN activation_due TIME;
ALTER TABLE account ADD COLUMN activation_lease TIME;
ALTER TABLE account ADD COLUMN activation_owner KEYTEXT;
ALTER TABLE account ADD COLUMN invited_at TIME;
ALTER TABLE account ADD COLUMN activation_expires TIME;
ALTER TABLE account ADD COLUMN activated_at TIME;
CREATE INDEX account_activation_due ON account (target, activation_due) WHERE activation_due IS NOT NULL;
CREATE INDEX account_activation_open ON account (target, seq) WHERE activation IN ('sent', 'pending');

-- When the target is asked next how far people have come with their accounts, and how many microseconds after that again.
ALTER TABLE target ADD COLUMN look_due TIME;
ALTER TABLE target ADD COLUMN look_wait BIGINT;

-- Passwords of people whose accounts are held here.
CREATE TABLE credential (
    person ROWKEY,
    tenant BIGINT NOT NULL,
    hash TEXT NOT NULL,
    version BIGINT NOT NULL,
    fails BIGINT NOT NULL,
    locked_until TIME,
    changed_at TIME NOT NULL
);
