-- Who shares an e-mail address does not hold its key: they are few, and found by the address itself.
CREATE INDEX person_email_shared ON person (tenant, lower(email)) WHERE email_key IS NULL AND email IS NOT NULL AND state <> 'deleted';
