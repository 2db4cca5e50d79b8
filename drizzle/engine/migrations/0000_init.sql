CREATE TABLE "deputy"."audit_detail" (
	"id" text PRIMARY KEY NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	"actor" text,
	"input" text,
	"ip" text
);
--> statement-breakpoint
CREATE TABLE "deputy"."audit_log" (
	"id" text PRIMARY KEY NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	"request_id" text NOT NULL,
	"transport" text NOT NULL,
	"actor" text,
	"action" text NOT NULL,
	"outcome" text NOT NULL,
	"attempts" integer NOT NULL,
	"duration_ms" integer NOT NULL,
	"input_hash" text,
	"writes" jsonb NOT NULL,
	"write_count" integer NOT NULL,
	"payers" text[] NOT NULL,
	"cost" bigint
);
--> statement-breakpoint
CREATE TABLE "deputy"."blocked_users" (
	"user_id" text PRIMARY KEY NOT NULL,
	"is_blocked" boolean NOT NULL,
	"changed_by" text NOT NULL,
	"changed_at" timestamp (3) with time zone NOT NULL,
	"revision" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "deputy"."budget_days" (
	"budget" text NOT NULL,
	"subject" text NOT NULL,
	"day" date NOT NULL,
	"calls" bigint NOT NULL,
	"credits" bigint NOT NULL,
	"max_calls" bigint NOT NULL,
	"max_credits" bigint NOT NULL,
	CONSTRAINT "budget_days_pkey" PRIMARY KEY("budget","subject","day"),
	CONSTRAINT "budget_days_calls" CHECK ("deputy"."budget_days"."calls" between 0 and "deputy"."budget_days"."max_calls"),
	CONSTRAINT "budget_days_credits" CHECK ("deputy"."budget_days"."credits" between 0 and "deputy"."budget_days"."max_credits")
);
--> statement-breakpoint
CREATE TABLE "deputy"."credit_accounts" (
	"account" text PRIMARY KEY NOT NULL,
	"available" bigint NOT NULL,
	"reserved" bigint NOT NULL,
	CONSTRAINT "credit_accounts_available" CHECK ("deputy"."credit_accounts"."available" between 0 and 9000000000000000),
	CONSTRAINT "credit_accounts_reserved" CHECK ("deputy"."credit_accounts"."reserved" between 0 and 9000000000000000)
);
--> statement-breakpoint
CREATE TABLE "deputy"."credit_entries" (
	"seq" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "deputy"."credit_entries_seq_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"account" text NOT NULL,
	"kind" text NOT NULL,
	"available_delta" bigint NOT NULL,
	"reserved_delta" bigint NOT NULL,
	"cost" bigint DEFAULT 0 NOT NULL,
	"hold" text,
	"effect" text,
	"payer" text,
	"caller" text,
	"action" text,
	"invocation" text,
	"endpoint" text,
	"transport" text,
	"outcome" text,
	"duration_ms" integer,
	"grant_key" text,
	"granted_by" text,
	CONSTRAINT "credit_entries_sums" CHECK (case "deputy"."credit_entries"."kind"
        when 'grant' then "deputy"."credit_entries"."available_delta" > 0 and "deputy"."credit_entries"."reserved_delta" = 0 and "deputy"."credit_entries"."cost" = 0
          and "deputy"."credit_entries"."grant_key" is not null
        when 'reserve' then "deputy"."credit_entries"."reserved_delta" > 0 and "deputy"."credit_entries"."available_delta" = -"deputy"."credit_entries"."reserved_delta"
          and "deputy"."credit_entries"."cost" = 0 and "deputy"."credit_entries"."hold" is not null
        when 'settle' then "deputy"."credit_entries"."cost" >= 0 and "deputy"."credit_entries"."hold" is not null and (
          ("deputy"."credit_entries"."available_delta" = 0 and "deputy"."credit_entries"."reserved_delta" = 0)
          or ("deputy"."credit_entries"."reserved_delta" < 0 and "deputy"."credit_entries"."available_delta" >= 0
            and "deputy"."credit_entries"."available_delta" + "deputy"."credit_entries"."reserved_delta" = -"deputy"."credit_entries"."cost"))
        when 'refund' then "deputy"."credit_entries"."cost" = 0 and "deputy"."credit_entries"."hold" is not null
          and "deputy"."credit_entries"."reserved_delta" <= 0 and "deputy"."credit_entries"."available_delta" = -"deputy"."credit_entries"."reserved_delta"
        else false end)
);
--> statement-breakpoint
CREATE TABLE "deputy"."credit_holds" (
	"effect" text PRIMARY KEY NOT NULL,
	"hold" text NOT NULL,
	"state" text NOT NULL,
	"holder" text NOT NULL,
	"lease_until" timestamp (3) with time zone NOT NULL,
	"account" text NOT NULL,
	"is_metered" boolean NOT NULL,
	"amount" bigint NOT NULL,
	"payer" text NOT NULL,
	"caller" text,
	"action" text NOT NULL,
	"invocation" text NOT NULL,
	"endpoint" text NOT NULL,
	"transport" text NOT NULL,
	"budgets" jsonb NOT NULL,
	"day" date NOT NULL,
	CONSTRAINT "credit_holds_state" CHECK ("deputy"."credit_holds"."state" in ('reserved', 'sent')),
	CONSTRAINT "credit_holds_amount" CHECK ("deputy"."credit_holds"."amount" between 0 and 9000000000000000)
);
--> statement-breakpoint
CREATE TABLE "deputy"."idempotency_claims" (
	"actor" text NOT NULL,
	"action" text NOT NULL,
	"key" text NOT NULL,
	"token" text NOT NULL,
	"input_hash" text NOT NULL,
	"now" timestamp (3) with time zone NOT NULL,
	"lease_until" timestamp (3) with time zone NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "idempotency_claims_pkey" PRIMARY KEY("actor","action","key")
);
--> statement-breakpoint
CREATE TABLE "deputy"."idempotency_results" (
	"token" text PRIMARY KEY NOT NULL,
	"actor" text NOT NULL,
	"action" text NOT NULL,
	"key" text NOT NULL,
	"input_hash" text NOT NULL,
	"result" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "idempotency_results_key" UNIQUE("actor","action","key")
);
--> statement-breakpoint
CREATE TABLE "deputy"."journal_steps" (
	"actor" text NOT NULL,
	"action" text NOT NULL,
	"key" text NOT NULL,
	"identity" text NOT NULL,
	"name" text NOT NULL,
	"token" text NOT NULL,
	"state" text NOT NULL,
	"answer" text,
	"cost" bigint DEFAULT 0 NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "journal_steps_pkey" PRIMARY KEY("actor","action","key","identity"),
	CONSTRAINT "journal_steps_state" CHECK ("deputy"."journal_steps"."state" in ('sent', 'answered'))
);
--> statement-breakpoint
CREATE TABLE "deputy"."outbox" (
	"id" text PRIMARY KEY NOT NULL,
	"state" text DEFAULT 'queued' NOT NULL,
	"endpoint" text NOT NULL,
	"data" text NOT NULL,
	"payer" text NOT NULL,
	"caller" text,
	"action" text NOT NULL,
	"invocation" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"due_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"token" text,
	"last_error" text,
	"is_unknown" boolean DEFAULT false NOT NULL,
	CONSTRAINT "outbox_state" CHECK ("deputy"."outbox"."state" in ('queued', 'dead'))
);
--> statement-breakpoint
CREATE TABLE "deputy"."system_secrets" (
	"name" text PRIMARY KEY NOT NULL,
	"value" text NOT NULL
);
--> statement-breakpoint
CREATE INDEX "audit_detail_at_idx" ON "deputy"."audit_detail" USING btree ("at");--> statement-breakpoint
CREATE INDEX "audit_detail_actor_idx" ON "deputy"."audit_detail" USING btree ("actor");--> statement-breakpoint
CREATE INDEX "audit_log_at_idx" ON "deputy"."audit_log" USING btree ("at","id");--> statement-breakpoint
CREATE INDEX "audit_log_actor_at_idx" ON "deputy"."audit_log" USING btree ("actor","at","id");--> statement-breakpoint
CREATE INDEX "audit_log_action_at_idx" ON "deputy"."audit_log" USING btree ("action","at","id");--> statement-breakpoint
CREATE INDEX "audit_log_writes_idx" ON "deputy"."audit_log" USING gin ("writes" jsonb_path_ops);--> statement-breakpoint
CREATE INDEX "blocked_users_revision_idx" ON "deputy"."blocked_users" USING btree ("revision");--> statement-breakpoint
CREATE INDEX "budget_days_day_idx" ON "deputy"."budget_days" USING btree ("day");--> statement-breakpoint
CREATE INDEX "credit_entries_account_seq_idx" ON "deputy"."credit_entries" USING btree ("account","seq");--> statement-breakpoint
CREATE INDEX "credit_entries_effect_idx" ON "deputy"."credit_entries" USING btree ("effect");--> statement-breakpoint
CREATE UNIQUE INDEX "credit_entries_grant_key" ON "deputy"."credit_entries" USING btree ("grant_key") WHERE "deputy"."credit_entries"."kind" = 'grant';--> statement-breakpoint
CREATE UNIQUE INDEX "credit_entries_reserved_once" ON "deputy"."credit_entries" USING btree ("hold") WHERE "deputy"."credit_entries"."kind" = 'reserve';--> statement-breakpoint
CREATE UNIQUE INDEX "credit_entries_closed_once" ON "deputy"."credit_entries" USING btree ("hold") WHERE "deputy"."credit_entries"."kind" in ('settle', 'refund');--> statement-breakpoint
CREATE INDEX "credit_holds_lease_until_idx" ON "deputy"."credit_holds" USING btree ("lease_until");--> statement-breakpoint
CREATE INDEX "idempotency_claims_created_at_idx" ON "deputy"."idempotency_claims" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "idempotency_results_created_at_idx" ON "deputy"."idempotency_results" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "journal_steps_created_at_idx" ON "deputy"."journal_steps" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "outbox_endpoint_due_at_idx" ON "deputy"."outbox" USING btree ("endpoint","due_at") WHERE "deputy"."outbox"."state" = 'queued';--> statement-breakpoint
CREATE INDEX "outbox_created_at_idx" ON "deputy"."outbox" USING btree ("created_at","id");