-- What data/os-list.db holds. A test compares the two; to build the file anew:
--   sqlite3 libraries/oslist/data/os-list.db < libraries/oslist/os-list.sql
CREATE TABLE os (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  license TEXT NOT NULL,
  ram_kib INTEGER NOT NULL,
  since INTEGER NOT NULL
) STRICT;
INSERT INTO os (id, name, license, ram_kib, since) VALUES
  (1, 'Contiki-NG', 'BSD-3-Clause', 10, 2017),
  (2, 'FreeRTOS', 'MIT', 4, 2003),
  (3, 'Mynewt', 'Apache-2.0', 8, 2015),
  (4, 'NuttX', 'Apache-2.0', 32, 2007),
  (5, 'RIOT', 'LGPL-2.1', 2, 2013),
  (6, 'Zephyr', 'Apache-2.0', 8, 2016);
