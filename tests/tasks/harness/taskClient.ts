import type { ProblemBody, Submitted, TaskView, Upload } from "../../../contracts/tasks/api";

export interface Answer<T> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
}

/** A client of the API that knows nothing but its address. */
export class TaskClient {
  constructor(readonly url: string) {}

  submit(
    task: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer<Submitted & ProblemBody>> {
    return this.ask("POST", "/v1/tasks", task, headers);
  }

  submitV1Alpha2<T>(request: unknown): Promise<Answer<T>> {
    return this.ask("POST", "/v1alpha2", request);
  }

  task(id: string): Promise<Answer<TaskView & ProblemBody>> {
    return this.ask("GET", `/v1/tasks/${id}`);
  }

  cancel(id: string): Promise<Answer<TaskView & ProblemBody>> {
    return this.ask("DELETE", `/v1/tasks/${id}`);
  }

  upload(request: unknown): Promise<Answer<Upload & ProblemBody>> {
    return this.ask("POST", "/v1/uploads", request);
  }

  /** The body as JSON, or as text where it is none. */
  async ask<T>(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer<T>> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: { ...(body !== undefined && { "Content-Type": "application/json" }), ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: parsed(text) as T };
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
