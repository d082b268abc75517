export { readCtlConfig, type CtlConfig } from './config.ts'
export { runCtl, type CtlEnvironment, type LocalArguments, type LocalVerb } from './run-ctl.ts'
