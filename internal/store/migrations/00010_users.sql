-- Who shares an e-mail address does not hold its key: they are few, and found by the address itself.
-- SQLite has ready to undo every statement that may call a function, and makes copies of pages for that.
sqlite: CREATE INDEX person_email_shared ON person (tenant, email COLLATE NOCASE) WHERE email_key IS NULL AND email IS NOT NULL AND state <> 'deleted';
postgres: CREATE INDEX person_email_shared ON person (tenant, lower(email)) WHERE email_key IS NULL AND email IS NOT NULL AND state <> 'deleted';
