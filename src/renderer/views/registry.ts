import type { Component } from 'vue'
import AttachView from './AttachView.vue'
import ClaimsView from './ClaimsView.vue'
import DoctorView from './DoctorView.vue'
import KhoView from './KhoView.vue'
import LabView from './LabView.vue'
import LiveView from './LiveView.vue'
import MapView from './MapView.vue'
import PoliciesView from './PoliciesView.vue'
import ReportsView from './ReportsView.vue'
import WhatIfView from './WhatIfView.vue'

/** A way to look at the lab. Views take no properties: what they show is the place (state/place.ts) and the run (state/run.ts). */
export interface View {
  /** First word of the address after `#/`. */
  readonly id: string
  readonly name: string
  /** In one sentence, for tooltips and the finder. */
  readonly words: string
  /** `run`: shows the run that is selected, below its name and state; `lab`: needs none. */
  readonly about: 'lab' | 'run'
  /** It shows the selected address in its own way, so an address anywhere offers it. */
  readonly followsAddress?: boolean
  readonly component: Component
}

/** In the order of the tabs and of the keys 1 to 9 and 0. */
export const VIEWS: readonly View[] = [
  { id: 'lab', name: 'Lab', words: 'experiments, images and runs', about: 'lab', component: LabView },
  { id: 'live', name: 'Live', words: 'phases, serial console, steps', about: 'run', component: LiveView },
  {
    id: 'map',
    name: 'Memory map',
    words: 'physical memory as predicted, by guest, by host, and the difference',
    about: 'run',
    followsAddress: true,
    component: MapView,
  },
  {
    id: 'kho',
    name: 'KHO',
    words: 'the handover tree, its subtrees, the radix tree',
    about: 'run',
    followsAddress: true,
    component: KhoView,
  },
  {
    id: 'claims',
    name: 'Claims',
    words: 'what was predicted and what was seen',
    about: 'run',
    followsAddress: true,
    component: ClaimsView,
  },
  {
    id: 'what-if',
    name: 'What-if',
    words: 'the predictor for machines that nobody has at hand',
    about: 'lab',
    component: WhatIfView,
  },
  {
    id: 'policies',
    name: 'Policies',
    words: 'designs of handing pages over, compared on a model',
    about: 'lab',
    component: PoliciesView,
  },
  {
    id: 'reports',
    name: 'Reports',
    words: 'the run as a file, beside another run, and reports from files',
    about: 'run',
    component: ReportsView,
  },
  {
    id: 'attach',
    name: 'Attach',
    words: 'machines that the lab did not start',
    about: 'lab',
    component: AttachView,
  },
  { id: 'doctor', name: 'Doctor', words: 'what this machine has, each lack with its fix', about: 'lab', component: DoctorView },
]
