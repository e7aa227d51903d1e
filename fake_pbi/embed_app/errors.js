const { TraceType } = window["powerbi-models"];

/**
 * Returns the detail of the `error` event for a load that the service refused. Source: the article "Troubleshoot and
 * debug" for the text of an expired token; the level is assumed.
 *
 * @param {import("./service.js").Answer} answer
 */
export function loadError(answer) {
  const { code = "LoadReportFailed", message = "Get report failed" } = answer.body?.error ?? {};
  return { message: code, detailedMessage: message, errorCode: String(answer.status), level: TraceType.Fatal };
}

/**
 * Returns the detail of the `error` event for a visual whose data request the service refused. Source: the table of
 * "Embedded troubleshooting".
 *
 * @param {import("./service.js").Answer} answer
 * @param {string} title the title of the visual
 */
export function queryError(answer, title) {
  const { code = "OpenConnectionError", message = "The data could not be read" } = answer.body?.error ?? {};
  return {
    message: code,
    detailedMessage: `${message}. Couldn't render a report visual titled: ${title}`,
    errorCode: String(answer.status),
    level: TraceType.Error,
  };
}
