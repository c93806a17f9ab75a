-- Of most rows of a list that comes every night nothing changes. Nobody looks those up by the person: a history leaves them out, and who has had a row
-- in a batch already is kept in mind by whoever works on it. An entry in this index was a good part of what such a row cost. Items of orders are asked
-- for by the person whatever came of them.
postgres: DROP INDEX item_person;
postgres: CREATE INDEX item_person ON item (person) WHERE person IS NOT NULL AND (change IS NOT NULL OR state <> 'done' OR created_at IS NOT NULL);
