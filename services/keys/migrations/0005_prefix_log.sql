-- HKP version 2: who keeps certificates fetches the log of a day instead of asking for each of his certificates whether it has changed.

-- One row for each certificate whose answer changed on a day. Leads to no certificate: of its fingerprint it has the first four octets. Erased after 90 days.
create table keys.prefix_log (
  day date not null,
  prefix bytea not null,
  primary key (day, prefix)
);
