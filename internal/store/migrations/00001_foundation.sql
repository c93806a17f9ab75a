-- One text for both engines. The words in capitals are replaced by each engine's own (migrate.go): SEQ is a primary key that is never given
-- twice, ROWKEY one that the writer gives and that needs no index of its own, UUID16, BYTES, KEYTEXT a text compared byte by byte, TIME
-- microseconds since 1970 in UTC, FLAG 0 or 1.
-- A statement ends with a semicolon at the end of a line. Lines that begin with "postgres:" hold statements for PostgreSQL alone.

CREATE TABLE installation (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    key_fingerprint TEXT NOT NULL,
    created_at TIME NOT NULL
);

CREATE TABLE tenant (
    seq SEQ,
    id UUID16 NOT NULL UNIQUE,
    code KEYTEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    settings TEXT NOT NULL,
    created_at TIME NOT NULL
);

-- Every further index here costs 5 to 10 percent of bulk speed; those marked "where" are filled for few people. id carries seq, so it is found
-- and is unique without an index of its own.
CREATE TABLE person (
    seq SEQ,
    id UUID16 NOT NULL,
    tenant BIGINT NOT NULL,
    version BIGINT NOT NULL,
    username TEXT,
    username_key KEYTEXT,
    generated FLAG NOT NULL,
    email TEXT,
    email_key KEYTEXT,
    email_verified FLAG NOT NULL,
    phone_key KEYTEXT,
    employee_id KEYTEXT,
    employee_key KEYTEXT,
    code KEYTEXT,
    code_key KEYTEXT,
    source KEYTEXT,
    source_id KEYTEXT,
    source_key KEYTEXT,
    first_name TEXT,
    last_name TEXT,
    display_name TEXT,
    name_key KEYTEXT,
    state TEXT NOT NULL,
    reason TEXT,
    absent FLAG NOT NULL,
    mode TEXT NOT NULL,
    locale TEXT,
    manager BIGINT,
    profile TEXT,
    created_at TIME NOT NULL,
    updated_at TIME NOT NULL
);
CREATE UNIQUE INDEX person_username ON person (tenant, username_key);
CREATE UNIQUE INDEX person_email ON person (tenant, email_key) WHERE email_key IS NOT NULL;
CREATE INDEX person_name ON person (tenant, name_key, seq);
CREATE UNIQUE INDEX person_phone ON person (tenant, phone_key) WHERE phone_key IS NOT NULL;
CREATE UNIQUE INDEX person_employee ON person (tenant, employee_key) WHERE employee_key IS NOT NULL;
CREATE UNIQUE INDEX person_code ON person (tenant, code_key) WHERE code_key IS NOT NULL;
CREATE UNIQUE INDEX person_source ON person (tenant, source_key) WHERE source_key IS NOT NULL;
CREATE INDEX person_state ON person (tenant, state, seq);
CREATE INDEX person_updated ON person (tenant, updated_at, seq) WHERE version > 1;
CREATE INDEX person_manager ON person (manager) WHERE manager IS NOT NULL;
CREATE INDEX person_without_username ON person (tenant, seq) WHERE username_key IS NULL AND state <> 'deleted';
CREATE INDEX person_without_name ON person (tenant, seq) WHERE name_key IS NULL AND state <> 'deleted';

-- How many people each tenant has in each state, kept with every write: counts never come from counting. A count is the sum of its shards, so
-- that writers at the same time seldom wait for each other.
CREATE TABLE person_count (
    tenant BIGINT NOT NULL,
    state TEXT NOT NULL,
    shard BIGINT NOT NULL,
    n BIGINT NOT NULL,
    PRIMARY KEY (tenant, state, shard)
);

CREATE TABLE username_counter (
    tenant BIGINT NOT NULL,
    base KEYTEXT NOT NULL,
    n BIGINT NOT NULL,
    PRIMARY KEY (tenant, base)
);
postgres: ALTER TABLE username_counter SET (fillfactor = 50);

CREATE TABLE retired_username (
    tenant BIGINT NOT NULL,
    username_key KEYTEXT NOT NULL,
    person BIGINT NOT NULL,
    email_key KEYTEXT,
    employee_key KEYTEXT,
    retired_at TIME NOT NULL,
    PRIMARY KEY (tenant, username_key)
);

CREATE TABLE unit (
    seq SEQ,
    id UUID16 NOT NULL UNIQUE,
    tenant BIGINT NOT NULL REFERENCES tenant (seq),
    version BIGINT NOT NULL,
    kind KEYTEXT NOT NULL,
    code KEYTEXT NOT NULL,
    name TEXT NOT NULL,
    name_key KEYTEXT NOT NULL,
    parent BIGINT REFERENCES unit (seq),
    path KEYTEXT NOT NULL,
    closed FLAG NOT NULL,
    attributes TEXT,
    created_at TIME NOT NULL,
    updated_at TIME NOT NULL
);
CREATE UNIQUE INDEX unit_code ON unit (tenant, kind, code);
CREATE UNIQUE INDEX unit_path ON unit (tenant, path);
CREATE INDEX unit_by_code ON unit (tenant, code);
CREATE INDEX unit_list ON unit (tenant, seq);
CREATE INDEX unit_name ON unit (tenant, name_key);
CREATE INDEX unit_parent ON unit (parent) WHERE parent IS NOT NULL;

CREATE TABLE membership (
    seq SEQ,
    id UUID16 NOT NULL UNIQUE,
    tenant BIGINT NOT NULL,
    version BIGINT NOT NULL,
    person BIGINT NOT NULL,
    unit BIGINT NOT NULL REFERENCES unit (seq),
    unit_kind KEYTEXT NOT NULL,
    is_primary FLAG NOT NULL,
    title TEXT,
    created_at TIME NOT NULL,
    updated_at TIME NOT NULL
);
CREATE UNIQUE INDEX membership_pair ON membership (person, unit);
CREATE INDEX membership_unit ON membership (unit, person);
CREATE UNIQUE INDEX membership_primary ON membership (person, unit_kind) WHERE is_primary = 1;

CREATE TABLE assignment (
    seq SEQ,
    id UUID16 NOT NULL UNIQUE,
    tenant BIGINT NOT NULL,
    membership BIGINT NOT NULL REFERENCES membership (seq) ON DELETE CASCADE,
    role KEYTEXT NOT NULL,
    secondary KEYTEXT NOT NULL,
    cycles TEXT,
    subjects TEXT
);
CREATE UNIQUE INDEX assignment_role ON assignment (membership, role, secondary);

CREATE TABLE person_group (
    seq SEQ,
    id UUID16 NOT NULL UNIQUE,
    tenant BIGINT NOT NULL REFERENCES tenant (seq),
    version BIGINT NOT NULL,
    code KEYTEXT NOT NULL,
    label TEXT NOT NULL,
    label_key KEYTEXT NOT NULL,
    created_at TIME NOT NULL,
    updated_at TIME NOT NULL
);
CREATE UNIQUE INDEX person_group_code ON person_group (tenant, code);
CREATE INDEX person_group_list ON person_group (tenant, seq);

CREATE TABLE group_member (
    tenant BIGINT NOT NULL,
    grp BIGINT NOT NULL REFERENCES person_group (seq),
    person BIGINT NOT NULL,
    title TEXT,
    PRIMARY KEY (grp, person)
);
CREATE INDEX group_member_person ON group_member (person);

CREATE TABLE application (
    seq SEQ,
    id UUID16 NOT NULL UNIQUE,
    tenant BIGINT NOT NULL REFERENCES tenant (seq),
    name KEYTEXT NOT NULL,
    created_at TIME NOT NULL
);
CREATE UNIQUE INDEX application_name ON application (tenant, name);

CREATE TABLE api_key (
    seq SEQ,
    id UUID16 NOT NULL UNIQUE,
    tenant BIGINT NOT NULL REFERENCES tenant (seq),
    name TEXT NOT NULL,
    hash BYTES NOT NULL UNIQUE,
    prefix TEXT NOT NULL,
    scope TEXT NOT NULL,
    application BIGINT,
    person BIGINT,
    expires_at TIME,
    last_used_at TIME,
    created_at TIME NOT NULL
);
CREATE INDEX api_key_tenant ON api_key (tenant, seq);

CREATE TABLE target (
    seq SEQ,
    id UUID16 NOT NULL UNIQUE,
    tenant BIGINT NOT NULL REFERENCES tenant (seq),
    version BIGINT NOT NULL,
    name KEYTEXT NOT NULL,
    kind TEXT NOT NULL,
    config BYTES NOT NULL,
    policy TEXT NOT NULL,
    paused FLAG NOT NULL,
    failures BIGINT NOT NULL,
    until TIME,
    message TEXT,
    next_call TIME,
    created_at TIME NOT NULL,
    updated_at TIME NOT NULL
);
CREATE UNIQUE INDEX target_name ON target (tenant, name);

CREATE TABLE account (
    seq SEQ,
    id UUID16 NOT NULL UNIQUE,
    tenant BIGINT NOT NULL,
    version BIGINT NOT NULL,
    target BIGINT NOT NULL REFERENCES target (seq),
    person BIGINT NOT NULL REFERENCES person (seq),
    username TEXT,
    external_id KEYTEXT,
    state TEXT NOT NULL,
    intent TEXT,
    pushed TEXT,
    last_error TEXT,
    attempts BIGINT NOT NULL,
    due TIME,
    urgent FLAG NOT NULL,
    owner KEYTEXT,
    lease TIME,
    created_at TIME NOT NULL,
    updated_at TIME NOT NULL
);
CREATE UNIQUE INDEX account_person ON account (person, target);
CREATE UNIQUE INDEX account_external ON account (target, external_id) WHERE external_id IS NOT NULL AND state <> 'released';
CREATE INDEX account_state ON account (target, state, seq);
CREATE INDEX account_due ON account (target, urgent, due) WHERE due IS NOT NULL;

CREATE TABLE batch (
    seq SEQ,
    id UUID16 NOT NULL UNIQUE,
    tenant BIGINT NOT NULL REFERENCES tenant (seq),
    kind TEXT NOT NULL,
    surface TEXT NOT NULL,
    name TEXT NOT NULL,
    creator TEXT NOT NULL,
    ordered FLAG NOT NULL,
    source_batch BIGINT,
    source_index BIGINT NOT NULL,
    retry_of BIGINT,
    options TEXT NOT NULL,
    state TEXT NOT NULL,
    message TEXT,
    plan TEXT,
    released FLAG NOT NULL,
    cancel FLAG NOT NULL,
    total BIGINT NOT NULL,
    next_index BIGINT NOT NULL,
    done BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    skipped BIGINT NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    unchanged BIGINT NOT NULL,
    disables BIGINT NOT NULL,
    renames BIGINT NOT NULL,
    warnings BIGINT NOT NULL,
    owner KEYTEXT,
    lease TIME,
    created_at TIME NOT NULL,
    updated_at TIME NOT NULL,
    started_at TIME,
    finished_at TIME
);
CREATE INDEX batch_tenant ON batch (tenant, seq);
CREATE UNIQUE INDEX batch_source ON batch (source_batch) WHERE source_batch IS NOT NULL;
CREATE INDEX batch_open ON batch (state, seq) WHERE state IN ('receiving', 'planning', 'running');

CREATE TABLE block (
    batch BIGINT NOT NULL REFERENCES batch (seq) ON DELETE CASCADE,
    first BIGINT NOT NULL,
    n BIGINT NOT NULL,
    bytes BYTES NOT NULL,
    PRIMARY KEY (batch, first)
);
postgres: ALTER TABLE block ALTER COLUMN bytes SET STORAGE EXTERNAL;

-- id is batch << 26 | index: one append-only tree, and an item's outward ids lead back here.
CREATE TABLE item (
    id ROWKEY,
    tenant BIGINT NOT NULL,
    row_no BIGINT NOT NULL,
    state TEXT NOT NULL,
    person BIGINT,
    account BIGINT,
    guard BIGINT NOT NULL,
    change TEXT,
    reasons TEXT,
    at TIME NOT NULL
);
CREATE INDEX item_person ON item (person) WHERE person IS NOT NULL;
CREATE INDEX item_open_account ON item (account) WHERE account IS NOT NULL AND state = 'pending';
CREATE INDEX item_trouble ON item (id) WHERE state IN ('failed', 'skipped');

-- While a batch is planned: what its rows so far would claim, so that a plan of many chunks sees its own rows. Emptied when the plan is done.
CREATE TABLE plan_claim (
    batch BIGINT NOT NULL REFERENCES batch (seq) ON DELETE CASCADE,
    claim KEYTEXT NOT NULL,
    n BIGINT NOT NULL,
    PRIMARY KEY (batch, claim)
);

CREATE TABLE audit (
    seq SEQ,
    tenant BIGINT NOT NULL,
    at TIME NOT NULL,
    actor TEXT NOT NULL,
    surface TEXT NOT NULL,
    request TEXT NOT NULL,
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    person BIGINT,
    batch BIGINT,
    change TEXT,
    digest TEXT
);
CREATE INDEX audit_tenant ON audit (tenant, seq);
CREATE INDEX audit_person ON audit (person, seq) WHERE person IS NOT NULL;

CREATE TABLE idempotency (
    tenant BIGINT NOT NULL,
    idem_key KEYTEXT NOT NULL,
    route TEXT NOT NULL,
    digest BYTES NOT NULL,
    status BIGINT NOT NULL,
    withheld FLAG NOT NULL,
    answer BYTES,
    created_at TIME NOT NULL,
    PRIMARY KEY (tenant, idem_key)
);
CREATE INDEX idempotency_age ON idempotency (created_at);
