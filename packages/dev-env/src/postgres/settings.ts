/** The settings of the embedded Postgres. They come on the command line: the files of the cluster stay as initdb wrote them. */

/** `extra` wins over ours. */
export function settings(
  socketDirectory: string,
  extra: Readonly<Record<string, string>> = {},
): Record<string, string> {
  return {
    listen_addresses: '',
    unix_socket_directories: `"${socketDirectory.replaceAll('"', '""')}"`,
    unix_socket_permissions: '0700',
    max_connections: '100',
    shared_buffers: '128MB',
    // What is acknowledged must survive a loss of power.
    fsync: 'on',
    synchronous_commit: 'on',
    full_page_writes: 'on',
    // One node, no replicas: the least WAL, and no more of it kept than recovery needs.
    wal_level: 'minimal',
    max_wal_senders: '0',
    max_wal_size: '512MB',
    min_wal_size: '80MB',
    checkpoint_timeout: '5min',
    // The log must name nobody: no statements, no parameters, no DETAIL lines, and of a session's errors only the fatal ones.
    log_statement: 'none',
    log_min_duration_statement: '-1',
    log_min_messages: 'log',
    log_min_error_statement: 'panic',
    log_error_verbosity: 'terse',
    log_parameter_max_length: '0',
    log_parameter_max_length_on_error: '0',
    log_connections: '',
    log_disconnections: 'off',
    log_lock_waits: 'off',
    track_activity_query_size: '100',
    ...extra,
  }
}
