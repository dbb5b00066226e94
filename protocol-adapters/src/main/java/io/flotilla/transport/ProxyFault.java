package io.flotilla.transport;

/** Why a connection is not taken before anything is known of its client. */
public enum ProxyFault {
  /** It comes from nobody who is trusted to be a proxy. */
  NOT_TRUSTED,
  /** The proxy did not say for whom it is, or said it against the rules of the PROXY protocol. */
  NO_HEADER,
  /** Nothing at all came: a probe, or a client that waits for a greeting because its proxy sends no header. */
  SILENT,
  /** So many are waited for that there is no place for one more. */
  TOO_MANY
}
