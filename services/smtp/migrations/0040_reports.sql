-- What others report about mail in the name of our domains (DMARC) and about the TLS of our servers. Owner: services/smtp.

-- Sums by day, reporter and outcome; no address of anybody. Gone after 90 days.
create table smtp.report_count (
  kind text not null check (kind in ('tls', 'dmarc')),
  -- One of ours, in A-labels.
  domain text not null,
  -- The day (UTC) on which the reported time begins.
  day date not null,
  -- The domain that the report proved to be from; `other` beyond so many in a day.
  reporter text not null,
  -- tls: `success`, a result type of RFC 8460 §4.3, or `other`. dmarc: pass, pass-dkim, pass-spf, fail-none, fail-quarantine, fail-reject.
  result text not null,
  -- Sessions or mails.
  count bigint not null,
  primary key (domain, day, kind, reporter, result)
);
create index report_count_day on smtp.report_count (day);

-- Reports that were counted, so that none is counted twice. Gone after 16 days: older days are not taken any more.
create table smtp.report_seen (
  -- SHA-256 of kind, reporter and the report's id, cut to 16 bytes.
  report bytea primary key,
  day date not null
);
create index report_seen_day on smtp.report_seen (day);
