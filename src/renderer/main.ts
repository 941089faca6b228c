import { createApp } from 'vue'
import App from './App.vue'
import { connect } from './client/connect.ts'
import { createLab, LAB } from './state/lab.ts'
import './style.css'

const app = createApp(App)
app.provide(LAB, createLab(connect(window)))
app.mount('#app')
