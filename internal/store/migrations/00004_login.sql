-- Who comes with the token of another system, and whose tenant that is.

-- Which tenant accepts tokens of an issuer that are meant for an audience: what the settings of tenants say, so that it is found without reading
-- them all. What is meant for one audience belongs to one tenant.
CREATE TABLE issuer_audience (
    issuer KEYTEXT NOT NULL,
    audience KEYTEXT NOT NULL,
    tenant BIGINT NOT NULL REFERENCES tenant (seq),
    PRIMARY KEY (issuer, audience)
);
CREATE INDEX issuer_audience_tenant ON issuer_audience (tenant);

-- Which person the subject of an issuer was found to be.
CREATE TABLE login (
    tenant BIGINT NOT NULL REFERENCES tenant (seq),
    issuer KEYTEXT NOT NULL,
    subject KEYTEXT NOT NULL,
    person BIGINT NOT NULL REFERENCES person (seq),
    created_at TIME NOT NULL,
    PRIMARY KEY (tenant, issuer, subject)
);
CREATE INDEX login_person ON login (person);
