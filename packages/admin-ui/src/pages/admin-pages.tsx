/** Which page is at which address of `/admin`. */
import { lazy, Suspense } from 'react'
import { Redirect, Route, Switch } from 'wouter'
import { NotFoundPage } from './not-found-page.tsx'

const AccountsPage = lazy(() => import('./accounts/accounts-page.tsx'))
const AffiliatesPage = lazy(() => import('./affiliates/affiliates-page.tsx'))
const AccountPage = lazy(() => import('./accounts/account-page.tsx'))
const AdministratorsPage = lazy(() => import('./administrators/administrators-page.tsx'))
const ApprovalsPage = lazy(() => import('./approvals/approvals-page.tsx'))
const AuditPage = lazy(() => import('./audit/audit-page.tsx'))
const InvitesPage = lazy(() => import('./invites/invites-page.tsx'))
const OrganisationPage = lazy(() => import('./organisations/organisation-page.tsx'))
const OrganisationsPage = lazy(() => import('./organisations/organisations-page.tsx'))
const OverviewPage = lazy(() => import('./overview/overview-page.tsx'))
const ReviewsPage = lazy(() => import('./accounts/reviews-page.tsx'))
const MailQueuePage = lazy(() => import('./mail/mail-queue-page.tsx'))
const QueuedMailPage = lazy(() => import('./mail/queued-mail-page.tsx'))
const MailReportsPage = lazy(() => import('./mail/mail-reports-page.tsx'))
const DeskPage = lazy(() => import('./desk/desk-page.tsx'))
const DeskMailPage = lazy(() => import('./desk/desk-mail-page.tsx'))
const DomainsPage = lazy(() => import('./settings/domains-page.tsx'))
const DomainPage = lazy(() => import('./settings/domain-page.tsx'))
const PlansPage = lazy(() => import('./settings/plans-page.tsx'))
const ApiKeysPage = lazy(() => import('./settings/api-keys-page.tsx'))
const SecurityPage = lazy(() => import('./security/security-page.tsx'))
const AbusePage = lazy(() => import('./abuse/abuse-page.tsx'))
const AbuseReportPage = lazy(() => import('./abuse/abuse-report-page.tsx'))
const AgreementPage = lazy(() => import('./agreement/agreement-page.tsx'))
const CrashesPage = lazy(() => import('./crashes/crashes-page.tsx'))
const CrashPage = lazy(() => import('./crashes/crash-page.tsx'))
const IncidentsPage = lazy(() => import('./incidents/incidents-page.tsx'))
const KeysPage = lazy(() => import('./keys/keys-page.tsx'))
const LegalPage = lazy(() => import('./legal/legal-page.tsx'))
const LegalRequestPage = lazy(() => import('./legal/legal-request-page.tsx'))
const NoticesPage = lazy(() => import('./notices/notices-page.tsx'))
const ComposePage = lazy(() => import('./notices/compose-page.tsx'))
const PoliciesPage = lazy(() => import('./policies/policies-page.tsx'))
const PolicyPage = lazy(() => import('./policies/policy-page.tsx'))
const PrivacyPage = lazy(() => import('./privacy/privacy-page.tsx'))
const PrivacyRequestPage = lazy(() => import('./privacy/privacy-request-page.tsx'))
const StatisticsPage = lazy(() => import('./statistics/statistics-page.tsx'))
const SubscriptionsPage = lazy(() => import('./subscriptions/subscriptions-page.tsx'))
const WebhooksPage = lazy(() => import('./webhooks/webhooks-page.tsx'))

export function AdminPages({ home }: { readonly home: string | undefined }) {
  return (
    <Suspense>
      <Switch>
        <Route path="/accounts" component={AccountsPage} />
        <Route path="/accounts/:jid">
          {({ jid }) => <AccountPage key={jid} jid={decodeURIComponent(jid)} />}
        </Route>
        <Route path="/affiliates" component={AffiliatesPage} />
        <Route path="/crashes" component={CrashesPage} />
        <Route path="/crashes/:signature">
          {({ signature }) => <CrashPage key={signature} signature={signature} />}
        </Route>
        <Route path="/overview" component={OverviewPage} />
        <Route path="/approvals" component={ApprovalsPage} />
        <Route path="/audit" component={AuditPage} />
        <Route path="/organisations" component={OrganisationsPage} />
        <Route path="/organisations/:id">{({ id }) => <OrganisationPage key={id} id={id} />}</Route>
        <Route path="/invites" component={InvitesPage} />
        <Route path="/administrators" component={AdministratorsPage} />
        <Route path="/reviews" component={ReviewsPage} />
        <Route path="/mail" component={MailQueuePage} />
        <Route path="/mail/:id">{({ id }) => <QueuedMailPage key={id} id={id} />}</Route>
        <Route path="/mail-reports" component={MailReportsPage} />
        <Route path="/desk" component={DeskPage} />
        <Route path="/desk/:id">{({ id }) => <DeskMailPage key={id} id={id} />}</Route>
        <Route path="/domains" component={DomainsPage} />
        <Route path="/domains/:domain">{({ domain }) => <DomainPage key={domain} domain={domain} />}</Route>
        <Route path="/plans" component={PlansPage} />
        <Route path="/security" component={SecurityPage} />
        <Route path="/webhooks" component={WebhooksPage} />
        <Route path="/api-keys" component={ApiKeysPage} />
        <Route path="/statistics" component={StatisticsPage} />
        <Route path="/incidents" component={IncidentsPage} />
        <Route path="/agreement" component={AgreementPage} />
        <Route path="/subscriptions" component={SubscriptionsPage} />
        <Route path="/abuse" component={AbusePage} />
        <Route path="/abuse/:id">{({ id }) => <AbuseReportPage key={id} id={id} />}</Route>
        <Route path="/keys" component={KeysPage} />
        <Route path="/legal" component={LegalPage} />
        <Route path="/legal/:id">{({ id }) => <LegalRequestPage key={id} id={id} />}</Route>
        <Route path="/privacy" component={PrivacyPage} />
        <Route path="/privacy/:id">{({ id }) => <PrivacyRequestPage key={id} id={id} />}</Route>
        <Route path="/policies" component={PoliciesPage} />
        <Route path="/policies/:kind/:version">
          {({ kind, version }) => <PolicyPage key={`${kind} ${version}`} kind={kind} version={version} />}
        </Route>
        <Route path="/notices" component={NoticesPage} />
        <Route path="/notices/new" component={ComposePage} />
        {home !== undefined && (
          <Route path="/">
            <Redirect to={home} replace />
          </Route>
        )}
        <Route component={NotFoundPage} />
      </Switch>
    </Suspense>
  )
}
