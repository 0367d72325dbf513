// Start of the dashboard.
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { ApiError } from "./api/client";
import { Routes } from "./routes";
import "./ui/css/tokens.css";
import "./ui/css/base.css";
import "./ui/css/controls.css";
import "./ui/css/surfaces.css";
import "./ui/css/shell.css";
import "./ui/css/pages.css";

const RETRIES_MAX = 2;

const client: QueryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5000,
      // A refusal does not change by asking again.
      retry: (failures, error) =>
        failures < RETRIES_MAX &&
        !(error instanceof ApiError && error.problem.status >= 400 && error.problem.status < 500),
    },
  },
});

client.getQueryCache().subscribe(({ query }) => {
  const { error } = query.state;
  const expired = error instanceof ApiError && error.problem.status === 401;
  if (expired && query.queryKey[0] !== "me" && query.state.status === "error") {
    void client.resetQueries({ queryKey: ["me"] });
  }
});

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={client}>
      <Routes />
    </QueryClientProvider>
  </StrictMode>,
);
